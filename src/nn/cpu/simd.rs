//! Vectors of whatever width the processor has, chosen once at run time from one source.
//!
//! Everything is written against `pulp::Simd`; the same code becomes AVX-512, AVX2 with FMA, NEON or scalar code. A
//! block of activations holds 16 images side by side ([`LANES`]), which is one vector of AVX-512, two of AVX2, four
//! of NEON.

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

/// Images that lie side by side in a block.
pub const LANES: usize = 16;

/// The widest instruction set this processor has, or the one that COUNTERPOISE_INSTRUCTION_SET names
/// (`avx2`, `scalar`), which is for measuring and for tests.
fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| match std::env::var("COUNTERPOISE_INSTRUCTION_SET").as_deref() {
        Ok("scalar") => Arch::Scalar,
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Ok("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => Arch::new(),
    })
}

/// Runs a kernel with the chosen instruction set.
#[inline]
pub fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    arch().dispatch(op)
}

/// What the kernels run with, for people: AVX-512, AVX2, NEON or scalar.
pub fn instruction_set() -> &'static str {
    struct Name;
    impl WithSimd for Name {
        type Output = &'static str;
        fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
            match S::F32_LANES {
                16 => "AVX-512",
                8 => "AVX2",
                4 => "NEON",
                _ => "scalar",
            }
        }
    }
    dispatch(Name)
}

/// The first vector of a slice that holds at least one.
#[inline(always)]
pub fn load<S: Simd>(values: &[f32]) -> S::f32s {
    bytemuck::cast_slice::<f32, S::f32s>(&values[..S::F32_LANES])[0]
}

/// Writes the first vector of a slice that holds at least one.
#[inline(always)]
pub fn store<S: Simd>(values: &mut [f32], vector: S::f32s) {
    bytemuck::cast_slice_mut::<f32, S::f32s>(&mut values[..S::F32_LANES])[0] = vector;
}

/// Slices of whole vectors; the lengths here are multiples of [`LANES`].
#[inline(always)]
pub fn vectors<S: Simd>(values: &[f32]) -> &[S::f32s] {
    bytemuck::cast_slice(&values[..values.len() / S::F32_LANES * S::F32_LANES])
}

/// As [`vectors`], to be written.
#[inline(always)]
pub fn vectors_mut<S: Simd>(values: &mut [f32]) -> &mut [S::f32s] {
    let whole = values.len() / S::F32_LANES * S::F32_LANES;
    bytemuck::cast_slice_mut(&mut values[..whole])
}
