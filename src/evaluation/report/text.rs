//! Names and numbers as they stand in HTML and SVG.

use crate::evaluation::metrics::Spread;
use crate::evaluation::metrics::bootstrap::Interval;

/// What stands where there is no value.
pub(super) const NOTHING: &str = "-";
/// The 97.5 % point of the normal law.
const Z: f64 = 1.959_964;

/// A text that is only text: no mark-up, no sign that XML forbids, none that turns the direction of what follows.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}')
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The beginning of a text where it is wider than so many Latin letters.
pub(super) fn short(text: &str, widest: usize) -> String {
    // Letters of East Asia are about twice as wide.
    let wide = |c: char| if c >= '\u{1100}' { 2_usize } else { 1 };
    if text.chars().map(wide).sum::<usize>() <= widest {
        return text.to_owned();
    }
    let mut width = 1;
    let fits = |c: &char| {
        width += wide(*c);
        width <= widest
    };
    let begin: String = text.chars().take_while(fits).collect();
    format!("{begin}…")
}

/// About how wide a text is drawn in letters without serifs of this size, rather more than less: which font a
/// reader has is not known.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let share = |c: char| match c {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | 'I' | ' ' | '.' | ',' | ':' | '-' | '/' | '(' | ')' => 0.4,
        'm' | 'w' | 'M' | 'W' | '\u{1100}'.. => 1.0,
        c if c.is_uppercase() => 0.78,
        _ => 0.64,
    };
    text.chars().map(share).sum::<f64>() * size
}

/// To three decimals; zero has no sign.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() { format!("{:.3}", unsigned_zero(value)) } else { NOTHING.to_owned() }
}

/// To three decimals, with its sign.
pub(super) fn signed(value: f64) -> String {
    if value.is_finite() { format!("{:+.3}", unsigned_zero(value)) } else { NOTHING.to_owned() }
}

fn unsigned_zero(value: f64) -> f64 {
    if value.abs() < 0.0005 { 0.0 } else { value }
}

/// `0.812 ± 0.010`, `0.812` for one seed, `-` without a value.
pub(super) fn mean(spread: Option<Spread>) -> String {
    match spread {
        Some(Spread { mean, sd: Some(sd) }) => format!("{} ± {}", number(mean), number(sd)),
        Some(Spread { mean, sd: None }) => number(mean),
        None => NOTHING.to_owned(),
    }
}

/// `0.780 to 0.840`.
pub(super) fn bounds(interval: &Interval) -> String {
    format!("{} to {}", number(interval.low), number(interval.high))
}

/// `+0.052 (+0.021 to +0.083)`.
pub(super) fn difference(interval: &Interval) -> String {
    format!("{} ({} to {})", signed(interval.value), signed(interval.low), signed(interval.high))
}

/// What a difference shows, in a word or three.
pub(super) fn verdict(interval: &Interval) -> &'static str {
    if interval.value == 0.0 && interval.low == 0.0 && interval.high == 0.0 {
        "the same"
    } else if interval.low > 0.0 {
        "better"
    } else if interval.high < 0.0 {
        "worse"
    } else {
        "not told apart"
    }
}

/// The 95 % interval of a share of so many images (Wilson 1927), within \[0, 1\]; `None` without an image.
pub(super) fn share_interval(share: f64, images: usize) -> Option<Interval> {
    if images == 0 || !share.is_finite() {
        return None;
    }
    let n = images as f64;
    let squared = Z * Z / n;
    let centre = (share + squared / 2.0) / (1.0 + squared);
    let half = Z / (1.0 + squared) * (share * (1.0 - share) / n + squared / (4.0 * n)).max(0.0).sqrt();
    // Rounding must not leave the value outside.
    let (low, high) =
        ((centre - half).clamp(0.0, share.max(0.0)), (centre + half).clamp(share.min(1.0), 1.0));
    Some(Interval { value: share, low, high })
}

/// The letters of base 64 (RFC 4648, section 4).
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes in base 64, as they stand in a `data:` address.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let joined = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4_usize {
            // Of one byte two letters, of two bytes three; the rest is filled up.
            if place <= group.len() {
                out.push(char::from(LETTERS[((joined >> (18 - 6 * place)) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}
