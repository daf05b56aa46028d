//! A decoded image: grey or colour, 8 or 16 bit, rows first, samples interleaved.
//!
//! Knows no files. All conversions between depths, between grey and colour, and to and from the networks'
//! layout are written here once, so that they are the same everywhere.

/// Bits per sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Depth {
    Eight,
    Sixteen,
}

impl Depth {
    /// 8 or 16.
    pub const fn bits(self) -> u8 {
        match self {
            Depth::Eight => 8,
            Depth::Sixteen => 16,
        }
    }

    /// The depth that holds `bits` bits: eight for up to 8, else sixteen.
    pub const fn of_bits(bits: u8) -> Self {
        if bits > 8 { Depth::Sixteen } else { Depth::Eight }
    }

    /// The largest sample: 255 or 65535.
    pub const fn max(self) -> u16 {
        match self {
            Depth::Eight => 255,
            Depth::Sixteen => 65_535,
        }
    }
}

/// Samples in the depth of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    U8(Vec<u8>),
    U16(Vec<u16>),
}

impl Pixels {
    /// Number of samples, `width * height * channels`.
    pub fn len(&self) -> usize {
        match self {
            Pixels::U8(v) => v.len(),
            Pixels::U16(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An image in memory, without alpha.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: u8,
    /// Rows first, samples interleaved: `width * height * channels` of them.
    pub pixels: Pixels,
}

/// Luma with the weights of ITU-R BT.601 (0.299, 0.587, 0.114), rounded; equal samples keep their value.
fn luma(r: u32, g: u32, b: u32) -> u32 {
    (299 * r + 587 * g + 114 * b + 500) / 1000
}

/// 16 bit to 8 bit, rounded; exact for `v * 257`.
fn narrow(v: u16) -> u8 {
    ((u32::from(v) + 128) / 257) as u8
}

impl Picture {
    /// A picture of these samples; `None` where there are not `width * height * channels` of them, where a
    /// side is 0, or where `channels` is neither 1 nor 3.
    pub fn new(width: u32, height: u32, channels: u8, pixels: Pixels) -> Option<Self> {
        let wanted = (width as usize).checked_mul(height as usize)?.checked_mul(usize::from(channels))?;
        let good = matches!(channels, 1 | 3) && wanted > 0 && wanted == pixels.len();
        good.then_some(Picture { width, height, channels, pixels })
    }

    pub fn depth(&self) -> Depth {
        match self.pixels {
            Pixels::U8(_) => Depth::Eight,
            Pixels::U16(_) => Depth::Sixteen,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.pixels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// The samples in 8 bit, interleaved; 16 bit is rounded (`v / 257`).
    pub fn to_u8(&self) -> Vec<u8> {
        match &self.pixels {
            Pixels::U8(v) => v.clone(),
            Pixels::U16(v) => v.iter().map(|&s| narrow(s)).collect(),
        }
    }

    /// The same picture in another depth: `v * 257` up, rounded `v / 257` down.
    pub fn to_depth(&self, depth: Depth) -> Picture {
        let pixels = match (&self.pixels, depth) {
            (Pixels::U8(v), Depth::Sixteen) => Pixels::U16(v.iter().map(|&s| u16::from(s) * 257).collect()),
            (Pixels::U16(_), Depth::Eight) => Pixels::U8(self.to_u8()),
            (same, _) => same.clone(),
        };
        Picture { pixels, ..*self }
    }

    /// As [`Picture::to_depth`], without a copy where there is nothing to do.
    pub fn into_depth(self, depth: Depth) -> Picture {
        if self.depth() == depth { self } else { self.to_depth(depth) }
    }

    /// The samples in \[0, 1\], channel after channel (CHW).
    pub fn to_f32(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        match &self.pixels {
            Pixels::U8(v) => chw(v, self.channels, Depth::Eight, &mut out),
            Pixels::U16(v) => chw(v, self.channels, Depth::Sixteen, &mut out),
        }
        out
    }

    /// The inverse of [`Picture::to_f32`]: clamped to \[0, 1\], rounded half up; NaN becomes 0 and so do
    /// missing values.
    pub fn from_f32_chw(values: &[f32], width: u32, height: u32, channels: u8, depth: Depth) -> Picture {
        let plane = width as usize * height as usize;
        let (channels_n, max) = (usize::from(channels), f32::from(depth.max()));
        let sample = |index: usize| {
            let value = values.get((index % channels_n) * plane + index / channels_n).copied().unwrap_or(0.0);
            // NaN passes through here and becomes 0 in the cast.
            (value.clamp(0.0, 1.0) * max + 0.5).floor()
        };
        let pixels = match depth {
            Depth::Eight => Pixels::U8((0..plane * channels_n).map(|i| sample(i) as u8).collect()),
            Depth::Sixteen => Pixels::U16((0..plane * channels_n).map(|i| sample(i) as u16).collect()),
        };
        Picture { width, height, channels, pixels }
    }

    /// One channel: luma after BT.601. Grey stays as it is.
    pub fn to_grey(&self) -> Picture {
        if self.channels == 1 {
            return self.clone();
        }
        let pixels = match &self.pixels {
            Pixels::U8(v) => Pixels::U8(
                v.chunks_exact(3).map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as u8).collect(),
            ),
            Pixels::U16(v) => Pixels::U16(
                v.chunks_exact(3).map(|p| luma(p[0].into(), p[1].into(), p[2].into()) as u16).collect(),
            ),
        };
        Picture { channels: 1, pixels, ..*self }
    }

    /// Three channels: grey is repeated. Colour stays as it is.
    pub fn to_colour(&self) -> Picture {
        if self.channels == 3 {
            return self.clone();
        }
        let pixels = match &self.pixels {
            Pixels::U8(v) => Pixels::U8(v.iter().flat_map(|&s| [s; 3]).collect()),
            Pixels::U16(v) => Pixels::U16(v.iter().flat_map(|&s| [s; 3]).collect()),
        };
        Picture { channels: 3, pixels, ..*self }
    }

    /// The same picture with 1 or 3 channels.
    pub fn to_channels(&self, channels: u8) -> Picture {
        if channels == 1 { self.to_grey() } else { self.to_colour() }
    }

    /// As [`Picture::to_channels`], without a copy where there is nothing to do.
    pub fn into_channels(self, channels: u8) -> Picture {
        if self.channels == channels { self } else { self.to_channels(channels) }
    }
}

/// Interleaved samples to channel planes in \[0, 1\]. `out` has as many places as `samples`.
pub(super) fn chw<T: Copy + Into<f32>>(samples: &[T], channels: u8, depth: Depth, out: &mut [f32]) {
    let (channels, max) = (usize::from(channels.max(1)), f32::from(depth.max()));
    let plane = samples.len() / channels;
    if plane == 0 {
        return;
    }
    for (channel, target) in out.chunks_exact_mut(plane).take(channels).enumerate() {
        for (value, sample) in target.iter_mut().zip(samples.iter().skip(channel).step_by(channels)) {
            let sample: f32 = (*sample).into();
            *value = sample / max;
        }
    }
}
