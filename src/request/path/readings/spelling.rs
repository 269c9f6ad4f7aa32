//! What the bytes of a path mean: which came out of which decoding, and which of them separate.

/// One byte, and which decoding it came out of: 0 is none.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) depth: u8,
}

/// Bytes as they were sent.
pub(super) fn raw(path: &[u8]) -> Vec<Unit> {
    path.iter().map(|&byte| Unit { byte, depth: 0 }).collect()
}

/// One decoding: escapes become bytes of this depth. Also whether every `%` was an escape.
pub(super) fn decode(units: &[Unit], depth: u8) -> (Vec<Unit>, bool) {
    let mut decoded = Vec::with_capacity(units.len());
    let mut whole = true;
    let mut rest = units;
    while let Some((&unit, tail)) = rest.split_first() {
        rest = tail;
        match (unit.byte, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let (high, low) = (hex(*high).unwrap_or(0), hex(*low).unwrap_or(0));
                decoded.push(Unit {
                    byte: high << 4 | low,
                    depth,
                });
                rest = after;
            }
            (byte, _) => {
                whole &= byte != b'%';
                decoded.push(unit);
            }
        }
    }
    (decoded, whole)
}

fn hex(unit: Unit) -> Option<u8> {
    let digit = char::from(unit.byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Up to which depth a byte can have its special meaning: not at all, and up to each depth at
/// which it stands. A raw slash always separates.
pub(super) fn depths(units: &[Unit], byte: u8) -> Vec<Option<u8>> {
    let mut depths = vec![None];
    if byte == b'/' {
        depths.push(Some(0));
    }
    for unit in units.iter().filter(|unit| unit.byte == byte) {
        if !depths.contains(&Some(unit.depth)) {
            depths.push(Some(unit.depth));
        }
    }
    depths
}

/// What some bytes of a path mean.
pub(super) struct Spelling<'e> {
    /// Slashes up to this depth separate; deeper ones are data.
    pub(super) slash: Option<u8>,
    /// So do backslashes up to this one.
    pub(super) backslash: Option<u8>,
    /// Semicolons up to this depth begin parameters,
    pub(super) semicolon: Option<u8>,
    /// which reach to the next raw slash, or to the next byte that separates.
    pub(super) until_raw_slash: bool,
    /// These bytes end the path.
    pub(super) end: &'e [u8],
}

impl Spelling<'_> {
    /// The path with a slash for all that separates, and NUL for slashes that are data.
    pub(super) fn of(&self, units: &[Unit]) -> Vec<u8> {
        let within =
            |unit: &Unit, depth: Option<u8>| depth.is_some_and(|depth| unit.depth <= depth);
        let mut path = Vec::with_capacity(units.len());
        let mut in_params = false;
        for unit in units {
            if self.end.contains(&unit.byte) {
                break;
            }
            let separates = match unit.byte {
                b'/' => within(unit, self.slash),
                b'\\' => within(unit, self.backslash),
                _ => false,
            };
            let raw_slash = unit.byte == b'/' && unit.depth == 0;
            if raw_slash || (separates && !self.until_raw_slash) {
                in_params = false;
            }
            in_params |= unit.byte == b';' && within(unit, self.semicolon);
            match unit.byte {
                _ if in_params => {}
                _ if separates => path.push(b'/'),
                b'/' => path.push(0),
                byte => path.push(byte),
            }
        }
        path
    }
}
