//! Student's law: how far the mean of a few values may lie from what it estimates.

use std::f64::consts::FRAC_PI_2;

/// Half of the interval of a mean of `count` values with this standard deviation, which holds the true one with the
/// chance `level`, in (0, 1). 0 for fewer than two values.
pub fn half_width(sd: f64, count: usize, level: f64) -> f64 {
    if count < 2 {
        return 0.0;
    }
    t_within(level, count - 1) * sd / (count as f64).sqrt()
}

/// The t that a value of Student's law with so many degrees of freedom, at least 1, is within with the chance
/// `level`.
fn t_within(level: f64, freedom: usize) -> f64 {
    // Halving an angle of a quarter turn 60 times leaves less than f64 can tell.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if within(middle, freedom) < level { low = middle } else { high = middle }
    }
    low.tan() * (freedom as f64).sqrt()
}

/// The chance of a value between `-t` and `t`, where `t = tan(angle) sqrt(freedom)`.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
fn within(angle: f64, freedom: usize) -> f64 {
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    // cos, 2/3 cos^3, ... up to cos^(freedom - 2) for an odd number; 1, 1/2 cos^2, ... for an even one.
    let (mut term, mut sum, mut power) = if odd { (cos, 0.0, 1) } else { (1.0, 0.0, 0) };
    while power + 2 <= freedom {
        sum += term;
        term *= cos * cos * (power + 1) as f64 / (power + 2) as f64;
        power += 2;
    }
    if odd { (angle + sin * sum) / FRAC_PI_2 } else { sin * sum }
}
