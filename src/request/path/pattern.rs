//! Patterns for paths: `/public/**`.

/// A path in which `*` stands for anything within a segment and a segment `**` for any segments:
/// none or more in the middle, at least one at the end. `/public/**` covers `/public/` and all
/// below it, but not `/public`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Vec<u8>),
    /// Pieces between the `*`s of a segment; there are at least two.
    Wild(Vec<Vec<u8>>),
    Any,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPathPattern {
    /// It must start with a slash.
    #[error("{0:?} does not start with a slash")]
    NoSlash(String),
    /// `**` beside other characters.
    #[error("{0:?}: \"**\" must be a whole segment, as in /public/**")]
    StarStar(String),
    /// An escape, which could never match: paths are compared after decoding.
    #[error("{0:?} holds a percent escape; paths are compared decoded, so write the character")]
    Escape(String),
    /// A dot segment, an empty one, or a query: no resolved path has them.
    #[error("{0:?} can never match: no path has \"{1}\" when it is compared")]
    Never(String, &'static str),
    /// A control character.
    #[error("{0:?} holds a control character")]
    Control(String),
}

impl PathPattern {
    /// Takes a pattern as an administrator wrote it.
    ///
    /// # Errors
    /// [`InvalidPathPattern`], quoting the text.
    pub fn parse(raw: &str) -> Result<Self, InvalidPathPattern> {
        use InvalidPathPattern as Invalid;
        let own = || raw.to_owned();
        let inner = raw
            .strip_prefix('/')
            .ok_or_else(|| Invalid::NoSlash(own()))?;
        if raw.contains('%') {
            return Err(Invalid::Escape(own()));
        }
        if raw.chars().any(char::is_control) {
            return Err(Invalid::Control(own()));
        }
        for never in ["//", "/./", "/../", "?", "#"] {
            // A final dot segment has no slash behind it; a final slash is no empty segment.
            let ends = raw.ends_with(never.trim_end_matches('/')) && never.contains('.');
            if raw.contains(never) || ends {
                return Err(Invalid::Never(own(), never));
            }
        }
        inner
            .split('/')
            .map(|segment| match segment {
                "**" => Ok(Segment::Any),
                _ if segment.contains("**") => Err(Invalid::StarStar(own())),
                _ if segment.contains('*') => Ok(Segment::Wild(
                    segment
                        .split('*')
                        .map(|piece| piece.as_bytes().to_vec())
                        .collect(),
                )),
                _ => Ok(Segment::Literal(segment.as_bytes().to_vec())),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The first segment, where it is a plain text: paths with another one don't match.
    #[must_use]
    pub fn first_segment(&self) -> Option<&[u8]> {
        match self.0.first() {
            Some(Segment::Literal(text)) => Some(text),
            Some(Segment::Wild(_) | Segment::Any) | None => None,
        }
    }

    /// Whether the pattern covers all that another one does, as far as that is plain to see.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let below = match self.0.split_last() {
            Some((Segment::Any, above)) => {
                other.0.starts_with(above) && other.0.len() > above.len()
            }
            _ => false,
        };
        below || self == other
    }

    /// Whether the pattern covers a reading of a path.
    #[must_use]
    pub fn matches(&self, reading: &[u8]) -> bool {
        // As in any wildcard match, only the last `**` ever needs another try.
        let mut pattern = self.0.as_slice();
        let mut rest = reading.strip_prefix(b"/");
        let mut retry: Option<(&[Segment], &[u8])> = None;
        loop {
            let matched = match (pattern.split_first(), rest) {
                (None, None) => return true,
                (Some((Segment::Any, after)), Some(path)) => {
                    if after.is_empty() {
                        return true;
                    }
                    retry = Some((after, path));
                    pattern = after;
                    true
                }
                (Some((segment, after)), Some(path)) => {
                    let (first, tail) = split_segment(path);
                    let fits = segment.fits(first);
                    if fits {
                        (pattern, rest) = (after, tail);
                    }
                    fits
                }
                _ => false,
            };
            if !matched {
                let Some((after, path)) = retry else {
                    return false;
                };
                let (_, Some(tail)) = split_segment(path) else {
                    return false;
                };
                retry = Some((after, tail));
                (pattern, rest) = (after, Some(tail));
            }
        }
    }
}

impl Segment {
    fn fits(&self, segment: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(text) => text == segment,
            Self::Wild(pieces) => {
                let Some((first, rest)) = pieces.split_first() else {
                    return false;
                };
                let Some((last, middle)) = rest.split_last() else {
                    return false;
                };
                let inner = segment.strip_prefix(first.as_slice());
                let Some(mut inner) = inner.and_then(|s| s.strip_suffix(last.as_slice())) else {
                    return false;
                };
                for piece in middle.iter().filter(|piece| !piece.is_empty()) {
                    let found = inner
                        .windows(piece.len())
                        .position(|window| window == piece);
                    let Some(at) = found else { return false };
                    inner = inner.get(at + piece.len()..).unwrap_or_default();
                }
                true
            }
        }
    }
}

/// The first segment, and what follows its slash, if there is one.
fn split_segment(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = path.splitn(2, |b| *b == b'/');
    (parts.next().unwrap_or_default(), parts.next())
}
