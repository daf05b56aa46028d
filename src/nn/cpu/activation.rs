//! Activations as vector code, and their derivatives from the *output*, so that no input has to be kept.

use pulp::Simd;

/// What follows a convolution or normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// Slope 0.2 below zero, as in DCGAN and CycleGAN.
    LeakyRelu,
    Tanh,
}

/// Slope of [`Activation::LeakyRelu`] below zero.
pub const LEAK: f32 = 0.2;

impl Activation {
    /// The activation of a vector. A value that is not a number stays one.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        match self {
            Activation::None => x,
            Activation::Relu => simd.select_f32s(simd.less_than_f32s(x, zero), zero, x),
            Activation::LeakyRelu => {
                let small = simd.mul_f32s(x, simd.splat_f32s(LEAK));
                simd.select_f32s(simd.less_than_f32s(x, zero), small, x)
            }
            Activation::Tanh => tanh(simd, x),
        }
    }

    /// `gradient` times the derivative, from the activated value.
    #[inline(always)]
    pub(super) fn undo<S: Simd>(self, simd: S, gradient: S::f32s, activated: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        match self {
            Activation::None => gradient,
            Activation::Relu => {
                simd.select_f32s(simd.less_than_or_equal_f32s(activated, zero), zero, gradient)
            }
            Activation::LeakyRelu => {
                let small = simd.mul_f32s(gradient, simd.splat_f32s(LEAK));
                simd.select_f32s(simd.less_than_f32s(activated, zero), small, gradient)
            }
            Activation::Tanh => {
                let square = simd.mul_f32s(activated, activated);
                simd.mul_f32s(gradient, simd.sub_f32s(simd.splat_f32s(1.0), square))
            }
        }
    }
}

/// Hyperbolic tangent as a ratio of polynomials over the range in which 32 bits tell it from 1, within a few units
/// in the last place (the minimax coefficients that Eigen and XLA use).
#[inline(always)]
fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ODD: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_4e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const EVEN: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    const EDGE: f32 = 7.905_311;
    let (low, high) = (simd.splat_f32s(-EDGE), simd.splat_f32s(EDGE));
    let clamped = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    let clamped = simd.select_f32s(simd.less_than_f32s(high, clamped), high, clamped);
    let square = simd.mul_f32s(clamped, clamped);
    let mut odd = simd.splat_f32s(ODD[0]);
    for &factor in &ODD[1..] {
        odd = simd.mul_add_e_f32s(odd, square, simd.splat_f32s(factor));
    }
    let mut even = simd.splat_f32s(EVEN[0]);
    for &factor in &EVEN[1..] {
        even = simd.mul_add_e_f32s(even, square, simd.splat_f32s(factor));
    }
    simd.div_f32s(simd.mul_f32s(odd, clamped), even)
}
