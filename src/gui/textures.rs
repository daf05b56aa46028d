//! Pictures on the graphics card: a byte-bounded cache filled by named worker threads.
//!
//! Views ask by [`PictureKey`] every frame; what is not there is decoded off the UI thread, newest frame
//! first and from the top left within a frame, and what no recent frame asked for is dropped before it is
//! decoded. Memory is bounded by [`BUDGET`] and [`READY_LIMIT`], whatever the size of the folder. Decoding
//! goes through [`crate::imaging`]; nothing here knows the project.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use egui::{ColorImage, Context, TextureFilter, TextureHandle, TextureId, TextureOptions, Vec2};

use crate::domain::task::Preview;
use crate::imaging::decode::{Limits, decode};
use crate::imaging::picture::Picture;
use crate::imaging::resize::{Fit, fit};
use crate::imaging::thumbnails::thumbnail;
use crate::jobs::workers;

/// Texture memory kept, in bytes.
const BUDGET: usize = 192 << 20;
/// Bytes handed to egui per frame.
const UPLOAD: usize = 4 << 20;
/// Decoded bytes that may wait for their frame.
const READY_LIMIT: usize = 48 << 20;
/// What an entry costs beside its pixels.
const OVERHEAD: usize = 512;

/// What a picture is made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PictureKey {
    /// A file shrunk so that its longer side is at most `side` pixels, aspect kept.
    Thumbnail { path: PathBuf, side: u32 },
    /// A file as training sees it.
    Fitted { path: PathBuf, size: u32, fit: Fit },
    /// Candidate minus seed image at the candidate's size, amplified: more is orange, less is blue.
    Difference { seed: PathBuf, candidate: PathBuf, fit: Fit, gain: u32 },
    /// Pixels that were in memory already, see [`Textures::memory`].
    Memory(String),
}

impl PictureKey {
    /// A thumbnail for a square of `points`; the side is rounded up to a power of two so that a slider does
    /// not decode at every step.
    pub fn thumbnail(path: PathBuf, points: f32, pixels_per_point: f32) -> Self {
        let wanted = (points * pixels_per_point).ceil().clamp(64.0, 2048.0) as u32;
        PictureKey::Thumbnail { path, side: wanted.next_power_of_two() }
    }
}

/// A picture that can be painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Texture {
    pub id: TextureId,
    /// In pixels.
    pub size: Vec2,
}

/// What there is to paint.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    Full(Texture),
    Loading,
    /// A sentence, the path last.
    Failed(Arc<str>),
}

impl Shown {
    pub const fn texture(&self) -> Option<Texture> {
        match self {
            Shown::Full(texture) => Some(*texture),
            _ => None,
        }
    }
}

enum Content {
    Full(TextureHandle),
    Failed(Arc<str>),
}

struct Entry {
    content: Content,
    bytes: usize,
    used: u64,
}

/// A decoded picture on its way to the card.
struct Ready {
    key: PictureKey,
    result: Result<(ColorImage, bool), String>,
    bytes: usize,
}

#[derive(Default)]
struct Queue {
    /// Frame that last asked, and the order in which keys were first asked for.
    pending: HashMap<PictureKey, (u64, u64)>,
    /// Being decoded.
    working: Vec<PictureKey>,
    ready: Vec<Ready>,
    ready_bytes: usize,
    asked: u64,
    closed: bool,
}

impl Queue {
    /// The newest frame's first request.
    fn next(&mut self) -> Option<PictureKey> {
        let key = self.pending.iter().min_by_key(|(_, (frame, order))| (std::cmp::Reverse(*frame), *order));
        let key = key.map(|(key, _)| key.clone())?;
        self.pending.remove(&key);
        self.working.push(key.clone());
        Some(key)
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cache. One per window.
pub struct Textures {
    ctx: Context,
    shared: Arc<Shared>,
    entries: HashMap<PictureKey, Entry>,
    bytes: usize,
    frame: u64,
    started: bool,
    workers: usize,
}

impl Textures {
    /// No thread is started before the first picture is asked for.
    pub fn new(ctx: &Context) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Textures {
            ctx: ctx.clone(),
            shared: Arc::default(),
            entries: HashMap::new(),
            bytes: 0,
            frame: 0,
            started: false,
            workers: cores.saturating_sub(1).max(1),
        }
    }

    /// Takes in what was decoded, drops what nobody asked for in the last frame, keeps to the budget. Call it
    /// once per frame, before the views.
    pub fn begin_frame(&mut self) {
        self.frame += 1;
        let (taken, waiting) = {
            let mut queue = self.shared.lock();
            let oldest = self.frame.saturating_sub(2);
            queue.pending.retain(|_, (frame, _)| *frame > oldest);
            let mut bytes = 0;
            let mut count = 0;
            for ready in &queue.ready {
                if count > 0 && bytes + ready.bytes > UPLOAD {
                    break;
                }
                bytes += ready.bytes;
                count += 1;
            }
            let taken: Vec<Ready> = queue.ready.drain(..count).collect();
            queue.ready_bytes -= bytes;
            (taken, !queue.ready.is_empty())
        };
        if !taken.is_empty() {
            self.shared.changed.notify_all();
        }
        if waiting {
            self.ctx.request_repaint();
        }
        for Ready { key, result, bytes } in taken {
            let content = match result {
                Ok((image, nearest)) => {
                    let magnification = if nearest { TextureFilter::Nearest } else { TextureFilter::Linear };
                    let options = TextureOptions { magnification, ..TextureOptions::LINEAR };
                    Content::Full(self.ctx.load_texture("picture", image, options))
                }
                Err(reason) => Content::Failed(reason.into()),
            };
            self.insert(key, content, bytes);
        }
        self.evict();
    }

    fn insert(&mut self, key: PictureKey, content: Content, bytes: usize) {
        let bytes = bytes + OVERHEAD;
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(key, Entry { content, bytes, used: self.frame }) {
            self.bytes -= old.bytes;
        }
    }

    fn evict(&mut self) {
        if self.bytes <= BUDGET {
            return;
        }
        // A margin, so that not every frame sorts.
        let goal = BUDGET - BUDGET / 8;
        let mut ages: Vec<(u64, PictureKey)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.used + 1 < self.frame)
            .map(|(key, entry)| (entry.used, key.clone()))
            .collect();
        ages.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in ages {
            if self.bytes <= goal {
                break;
            }
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= entry.bytes;
            }
        }
    }

    /// The picture, or a request for it.
    pub fn get(&mut self, key: &PictureKey) -> Shown {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.used = self.frame;
            return match &entry.content {
                Content::Full(handle) => Shown::Full(Texture { id: handle.id(), size: handle.size_vec2() }),
                Content::Failed(reason) => Shown::Failed(reason.clone()),
            };
        }
        if matches!(key, PictureKey::Memory(_)) {
            return Shown::Loading;
        }
        self.start();
        let mut queue = self.shared.lock();
        if let Some((frame, _)) = queue.pending.get_mut(key) {
            *frame = self.frame;
        } else if !queue.working.contains(key) && !queue.ready.iter().any(|r| r.key == *key) {
            queue.asked += 1;
            let order = queue.asked;
            queue.pending.insert(key.clone(), (self.frame, order));
            self.shared.changed.notify_one();
        }
        Shown::Loading
    }

    /// A small picture made from pixels at hand, painted with square pixels. `make` runs where `name` is
    /// unknown; choose another name where the pixels differ.
    pub fn memory(&mut self, name: &str, make: impl FnOnce() -> ColorImage) -> Texture {
        let key = PictureKey::Memory(name.to_owned());
        if let Shown::Full(texture) = self.get(&key) {
            return texture;
        }
        let image = make();
        let bytes = image.pixels.len() * 4;
        let options = TextureOptions { magnification: TextureFilter::Nearest, ..TextureOptions::LINEAR };
        let handle = self.ctx.load_texture("picture", image, options);
        let texture = Texture { id: handle.id(), size: handle.size_vec2() };
        self.insert(key, Content::Full(handle), bytes);
        texture
    }

    /// Picture `index` of a preview; `None` where its bytes do not fit its size. `job` tells runs apart.
    pub fn preview(&mut self, job: &str, preview: &Preview, index: usize) -> Option<Texture> {
        let side = preview.size as usize;
        let bytes = preview.images.get(index)?;
        if bytes.len() != side * side * usize::from(preview.channels) {
            return None;
        }
        let caption = preview.captions.get(index).map_or("", String::as_str);
        let name = format!("{job}\n{}\n{}\n{caption}\n{index}", preview.group, preview.label);
        Some(self.memory(&name, || colours([side, side], preview.channels, bytes)))
    }

    /// Forgets everything that came from files, for example after the folder was read again.
    pub fn forget(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.shared.lock().pending.clear();
    }

    /// Nothing is waiting, being decoded or on its way.
    pub fn is_idle(&self) -> bool {
        let queue = self.shared.lock();
        queue.pending.is_empty() && queue.working.is_empty() && queue.ready.is_empty()
    }

    /// Bytes of texture memory in use.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn start(&mut self) {
        if self.started {
            return;
        }
        self.started = true;
        for number in 0..self.workers {
            let (shared, ctx) = (self.shared.clone(), self.ctx.clone());
            let builder = std::thread::Builder::new().name(format!("thumbnail {number}"));
            // Without a thread, pictures stay in their loading state; the window goes on.
            let body = move || {
                workers::yield_to_window();
                work(&shared, &ctx);
            };
            builder.spawn(body).ok();
        }
    }
}

impl Drop for Textures {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

fn work(shared: &Shared, ctx: &Context) {
    loop {
        let key = {
            let mut queue = shared.lock();
            loop {
                if queue.closed {
                    return;
                }
                if queue.ready_bytes < READY_LIMIT
                    && let Some(key) = queue.next()
                {
                    break key;
                }
                queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let result = make(&key);
        let bytes = result.as_ref().map_or(0, |(image, _)| image.pixels.len() * 4);
        let mut queue = shared.lock();
        queue.working.retain(|other| *other != key);
        queue.ready_bytes += bytes;
        queue.ready.push(Ready { key, result, bytes });
        drop(queue);
        ctx.request_repaint();
    }
}

/// The picture, and whether its pixels are shown as squares when enlarged.
fn make(key: &PictureKey) -> Result<(ColorImage, bool), String> {
    let limits = Limits::default();
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{error}: {}", path.display());
    match key {
        PictureKey::Thumbnail { path, side } => {
            let picture = thumbnail(path, *side, &limits).map_err(|e| named(path, &e))?;
            // Shown at about `side`: at twice its own size and more, pixels are squares.
            let nearest = picture.width.max(picture.height) * 2 <= *side;
            Ok((image(&picture), nearest))
        }
        PictureKey::Fitted { path, size, fit: how } => {
            let decoded = decode(path, &limits).map_err(|e| named(path, &e))?;
            Ok((image(&fit(&decoded.picture, *size, *how)), true))
        }
        PictureKey::Difference { seed, candidate, fit: how, gain } => {
            let made = decode(candidate, &limits).map_err(|e| named(candidate, &e))?.picture;
            let real = decode(seed, &limits).map_err(|e| named(seed, &e))?.picture;
            let real = fit(&real, made.width.max(made.height), *how);
            difference(&real, &made, *gain)
                .map(|image| (image, true))
                .ok_or_else(|| format!("seed image and candidate differ in shape: {}", candidate.display()))
        }
        PictureKey::Memory(name) => Err(name.clone()),
    }
}

/// A picture as egui has it, in 8 bit.
pub fn image(picture: &Picture) -> ColorImage {
    let size = [picture.width as usize, picture.height as usize];
    colours(size, picture.channels, &picture.to_u8())
}

/// Grey or interleaved colour bytes as an image; black where the length is wrong.
fn colours(size: [usize; 2], channels: u8, bytes: &[u8]) -> ColorImage {
    match channels {
        1 if bytes.len() == size[0] * size[1] => ColorImage::from_gray(size, bytes),
        3 if bytes.len() == size[0] * size[1] * 3 => ColorImage::from_rgb(size, bytes),
        _ => ColorImage::filled(size, egui::Color32::BLACK),
    }
}

/// Candidate minus seed image, `gain` times: orange where the candidate is brighter, blue where it is darker.
/// Of several channels the one that differs most speaks.
fn difference(real: &Picture, made: &Picture, gain: u32) -> Option<ColorImage> {
    if (real.width, real.height) != (made.width, made.height) {
        return None;
    }
    let (real, made) = if real.channels == made.channels {
        (real.clone(), made.clone())
    } else {
        (real.to_colour(), made.to_colour())
    };
    let channels = usize::from(made.channels.max(1));
    let size = [made.width as usize, made.height as usize];
    let (real, made) = (real.to_u8(), made.to_u8());
    let pixels = real.chunks_exact(channels).zip(made.chunks_exact(channels)).map(|(a, b)| {
        let most = a
            .iter()
            .zip(b)
            .map(|(&a, &b)| i32::from(b) - i32::from(a))
            .max_by_key(|d| d.abs())
            .unwrap_or_default();
        let strength = (most.unsigned_abs() * gain).min(255) as f32 / 255.0;
        let [r, g, b] = if most > 0 { [255.0, 140.0, 40.0] } else { [50.0, 140.0, 255.0] };
        let part = |full: f32| (full * strength).round() as u8;
        egui::Color32::from_rgb(part(r), part(g), part(b))
    });
    let pixels: Vec<egui::Color32> = pixels.collect();
    (pixels.len() == size[0] * size[1]).then(|| ColorImage::new(size, pixels))
}
