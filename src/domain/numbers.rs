//! Figures and counts as people read them, whatever their size. Knows no figure.

/// From here on a figure is written with its power of ten.
const LARGE: f64 = 99_999.5;

/// `1 image is`, `12 images are`: a count with the word that goes with it.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `71 %`, rounded; small shares and those near one keep a decimal so that they are not 0 or 100.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if (value > 0.0 && value < 0.95) || (value > 99.05 && value < 100.0) {
        format!("{value:.1}\u{a0}%")
    } else {
        format!("{value:.0}\u{a0}%")
    }
}

/// A figure to three or more digits: `decimals` of what is below 10, 2 at most from there, 1 from 100, none
/// from 1,000, and `1.23e5` from 100,000 on. Zero has no sign.
pub fn figure(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= LARGE {
        return format!("{value:.2e}");
    }
    // Where it would be rounded up to the next size, it is of that size.
    let decimals = match size {
        999.95.. => 0,
        99.995.. => decimals.min(1),
        10.0.. => decimals.min(2),
        _ => decimals,
    };
    let text = format!("{value:.decimals$}");
    // An unbiased distance may be a little below 0.
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| matches!(c, '0' | '.')) => zero.to_owned(),
        _ => text,
    }
}
