//! The log: lines on standard error, where systemd's journal takes them, or entries in the journal
//! itself.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing::{debug, enabled, info, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Decided;
use crate::config::{Log, LogFormat};
use crate::decision::Forbidden;
use crate::endpoint::{Answer, Trouble};
use crate::identity::Identity;

/// Starts logging. Of the libraries, only what is wrong is logged.
///
/// # Errors
/// When there is no journal, and the log is to go there.
pub(crate) fn start(settings: Log) -> io::Result<()> {
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Text => Box::new(
            layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal())
                .with_target(false),
        ),
        LogFormat::Json => Box::new(
            layer()
                .json()
                .flatten_event(true)
                .with_writer(io::stderr)
                .with_target(false),
        ),
        LogFormat::Journald => {
            let journal = tracing_journald::layer()?;
            Box::new(journal.with_field_prefix(Some("HTGATE".to_owned())))
        }
    };
    let targets = Targets::new()
        .with_target("htgate", settings.level)
        .with_default(settings.level.min(LevelFilter::WARN));
    tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .init();
    Ok(())
}

/// A line with all that is known of a decision.
macro_rules! line {
    ($level:ident, $decided:expr, $message:expr) => {{
        let (decided, answer) = ($decided, &$decided.answered.answer);
        $level!(
            endpoint = decided.route.endpoint.path(),
            policy = decided.answered.policy,
            rule = decided.rule(),
            realm = decided.realm(),
            status = answer.status(),
            code = answer.code(),
            reason = answer.reason(),
            means = decided.answered.means.as_str(),
            key = decided.key(),
            client = decided.client(),
            host = decided.host(),
            method = decided.method(),
            path = decided.path(),
            $message
        );
    }};
}

/// One line for every refusal, with its reason; those who pass at debug. What a client sent is
/// escaped, and never a credential.
pub(super) fn tell(decided: &Decided<'_>) {
    match &decided.answered.answer {
        Answer::Allow { grant, .. } if enabled!(tracing::Level::DEBUG) => {
            let user = grant.identity().map(Identity::name);
            let user = user.unwrap_or(b"-").escape_ascii().to_string();
            line!(debug, decided, "allowed {user}");
        }
        Answer::Allow { .. } => {}
        Answer::Forbid {
            forbidden: Forbidden::NoPolicy,
            ..
        } => {
            let named = decided.route.policy.unwrap_or_default();
            line!(
                warn,
                decided,
                "refused: the proxy asks for a policy that is not there: {named:?}"
            );
        }
        Answer::Challenge { .. }
        | Answer::Forbid { .. }
        | Answer::Trouble(Trouble::Throttled(_)) => line!(info, decided, "refused"),
        Answer::Trouble(_) => line!(warn, decided, "refused for trouble"),
    }
}
