-- Asks htgate about a request, for HAProxy 2.6 or newer: load it with lua-load, and say
-- "http-request lua.htgate URL" where URL is htgate's, such as http://127.0.0.1:9180/auth-request
-- (the rules decide) or http://127.0.0.1:9180/auth-request/staff (one policy).
--
-- What htgate says is left in variables: txn.htgate_status ("200" is the only yes), and of the
-- answer's headers txn.htgate_user, _groups, _scopes, _method, _realm, _key, _challenge and
-- _retry_after. Where anything goes wrong, txn.htgate_status is "503", or isn't there at all.

local kept = {
    ["x-auth-user"] = "user",
    ["x-auth-groups"] = "groups",
    ["x-auth-scopes"] = "scopes",
    ["x-auth-method"] = "method",
    ["x-auth-realm"] = "realm",
    ["x-auth-key"] = "key",
    ["www-authenticate"] = "challenge",
    ["retry-after"] = "retry_after",
}

-- Where htgate.toml renames headers, say so above lua-load: setenv HTGATE_HEADERS "user=Remote-User"
for variable, name in (os.getenv("HTGATE_HEADERS") or ""):gmatch("([a-z]+)=(%S+)") do
    for usual, known in pairs(kept) do
        if known == variable then
            kept[usual] = nil
        end
    end
    kept[name:lower()] = variable
end

-- Of the client's headers, htgate gets these: every line, so that two are told from one.
local shown = { "authorization", "x-api-key", "x-requested-with" }

local function ask(txn, url)
    txn:set_var("txn.htgate_status", "503")
    local scheme = "http"
    if txn.f:ssl_fc() == 1 then scheme = "https" end
    local headers = {
        ["x-original-method"] = { txn.f:method() },
        ["x-original-proto"] = { scheme },
        ["x-original-uri"] = { txn.f:pathq() },
        ["x-real-ip"] = { txn.f:src() },
    }
    local sent = txn.http:req_get_headers()
    local function lines(name)
        local all = {}
        for _, value in pairs(sent[name] or {}) do
            all[#all + 1] = value
        end
        return all
    end
    -- Two hosts are no host: htgate says so.
    headers["x-original-host"] = lines("host")
    for _, name in ipairs(shown) do
        if sent[name] then
            headers[name] = lines(name)
        end
    end
    local answer = core.httpclient():get({ url = url, headers = headers, timeout = 10000 })
    if not answer or not answer.headers then
        return
    end
    for name, variable in pairs(kept) do
        local values = answer.headers[name]
        if values then
            txn:set_var("txn.htgate_" .. variable, values[0])
        end
    end
    local status = answer.status
    if status == 403 and answer.headers["x-auth-status"] then
        -- 400, 429 and 503, which nginx couldn't relay.
        status = tonumber(answer.headers["x-auth-status"][0]) or 403
        if status < 400 then
            status = 403
        end
    end
    if status == 200 or (status >= 400 and status < 600) then
        txn:set_var("txn.htgate_status", tostring(status))
    end
end

core.register_action("htgate", { "http-req" }, ask, 1)
