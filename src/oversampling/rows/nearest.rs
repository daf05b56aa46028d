//! The nearest rows of each row, or of some among all.
//!
//! Neighbours are exact: the k rows at the smallest [`squared_distance`], ties to the lower position, the row
//! itself left out by position and not by distance, so that a second copy of an image counts. They are the same
//! for any number of threads.
//!
//! The search goes over pairs of blocks, each pair once. `|a - b|^2 = |a|^2 + |b|^2 - 2ab`, with all products of two
//! blocks from one matrix product, says between which bounds each distance lies: an f32 sum of n products is wrong
//! by n units of rounding at most, and rows are centred first so that the units are small. Every row keeps the k
//! rows of the lowest bounds and a few more. Where bounds overlap, these rows are measured directly, in f64. Where
//! even the last row that was kept overlaps, one that was not kept might be nearer, and the row is compared with
//! all others. Where some rows alone ask, each block of them goes over all blocks instead.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::RowsError;
use crate::domain::task::Ctx;

/// The nearest rows of each row that was asked for, nearest first, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbours {
    k: usize,
    positions: Vec<usize>,
}

impl Neighbours {
    /// A table that comes from elsewhere: `k` positions for each row.
    ///
    /// # Errors
    /// A list that is not whole rows of positions of rows.
    pub fn from_table(k: usize, positions: Vec<usize>) -> Result<Self, RowsError> {
        if k == 0 {
            return Err(RowsError::NoNeighbour);
        }
        let rows = positions.len() / k;
        if positions.len() != rows * k || positions.iter().any(|&position| position >= rows) {
            return Err(RowsError::Shape { values: positions.len(), rows, features: k });
        }
        Ok(Neighbours { k, positions })
    }

    /// Neighbours of each row: what was asked for, or all others where there are fewer.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of rows that have neighbours here.
    pub fn rows(&self) -> usize {
        self.positions.len() / self.k
    }

    /// The neighbours of a row, nearest first.
    pub fn of(&self, row: usize) -> &[usize] {
        &self.positions[row * self.k..(row + 1) * self.k]
    }

    /// The neighbours of some of the rows, the nearest `k` of each.
    pub(super) fn part(&self, rows: &[usize], k: usize) -> Self {
        let k = k.min(self.k);
        Neighbours { k, positions: rows.iter().flat_map(|&row| &self.of(row)[..k]).copied().collect() }
    }

    /// The same with `names[position]` for each position.
    pub(super) fn renamed(mut self, names: &[usize]) -> Self {
        for position in &mut self.positions {
            *position = names[*position];
        }
        self
    }
}

/// Rows on either side of a matrix product.
const BLOCK: usize = 192;
/// Features that one matrix product sums at once; what bounds its error and its memory.
const DEPTH: usize = 512;
/// Rows kept beyond k, so that rounding alone rarely leaves a doubt.
const SPARE: usize = 3;
/// Bounds that are compared at once.
const LANES: usize = 16;
/// Rows from which the centre is taken.
const CENTRE_ROWS: usize = 64;
/// What f64 may have rounded off a measured distance, and more.
const MEASURED: f64 = 1.0 + 1e-9;

/// The `k` nearest other rows of each of `n` rows, `n - 1` where the class has no more.
///
/// # Errors
/// `OneImage` for one row, `NoImage` for none, values that are not finite, or a cancel.
pub fn nearest(
    ctx: &Ctx,
    rows: &[f32],
    n: usize,
    features: usize,
    k: usize,
) -> Result<Neighbours, RowsError> {
    let k = possible(rows, n, features, k)?;
    let search = Search::new(rows, features)?;
    let blocks = search.candidates(ctx, n, k)?;
    let mut positions = vec![0; n * k];
    positions.par_chunks_mut(BLOCK * k).zip(blocks).enumerate().try_for_each(|(block, (out, kept))| {
        ctx.check()?;
        for (local, out) in out.chunks_mut(k).enumerate() {
            search.rank(block * BLOCK + local, kept.of(local), out);
        }
        Ok::<(), RowsError>(())
    })?;
    Ok(Neighbours { k, positions })
}

/// The `k` nearest of all `n` rows for some of them, `n - 1` where there are no more: entry i of the table has
/// those of row `asked[i]`, without that row.
///
/// # Errors
/// Those of [`nearest`], for all `n` rows, and a position that has no row.
pub fn nearest_of(
    ctx: &Ctx,
    rows: &[f32],
    n: usize,
    features: usize,
    asked: &[usize],
    k: usize,
) -> Result<Neighbours, RowsError> {
    let k = possible(rows, n, features, k)?;
    if let Some(&wrong) = asked.iter().find(|&&row| row >= n) {
        return Err(RowsError::NoRow(wrong));
    }
    let search = Search::new(rows, features)?;
    let kept = search.candidates_of(ctx, asked, k)?;
    let mut positions = vec![0; asked.len() * k];
    positions.par_chunks_mut(k).zip(asked).enumerate().try_for_each(|(at, (out, &row))| {
        ctx.check()?;
        search.rank(row, kept[at / BLOCK].of(at % BLOCK), out);
        Ok::<(), RowsError>(())
    })?;
    Ok(Neighbours { k, positions })
}

/// As many neighbours as each of the rows can have, `k` at most.
fn possible(rows: &[f32], n: usize, features: usize, k: usize) -> Result<usize, RowsError> {
    if features == 0 || n.checked_mul(features) != Some(rows.len()) {
        return Err(RowsError::Shape { values: rows.len(), rows: n, features });
    }
    match n {
        0 => Err(RowsError::NoImage),
        1 => Err(RowsError::OneImage),
        _ if k == 0 => Err(RowsError::NoNeighbour),
        _ => Ok(k.min(n - 1)),
    }
}

/// What neighbours are ranked by: the squared Euclidean distance, summed in f64 in an order that is fixed.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    distance_within(a, b, f64::INFINITY)
}

/// [`squared_distance`] where it is at most `limit`, else some number above `limit`.
fn distance_within(a: &[f32], b: &[f32], limit: f64) -> f64 {
    /// Features between two looks at the limit.
    const STRETCH: usize = 64;
    let mut sums = [0.0_f64; 8];
    for (a, b) in a.chunks(STRETCH).zip(b.chunks(STRETCH)) {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        for (a, b) in a.iter().zip(b) {
            for lane in 0..8 {
                let difference = f64::from(a[lane]) - f64::from(b[lane]);
                sums[lane] += difference * difference;
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
            let difference = f64::from(*a) - f64::from(*b);
            *sum += difference * difference;
        }
        // Sums only grow, so what is above the limit stays there.
        if total(&sums) > limit {
            break;
        }
    }
    total(&sums)
}

fn total(sums: &[f64; 8]) -> f64 {
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}

/// The bit of a number's sign.
const SIGN: u32 = 1 << 31;

/// The rows of one class, and what is known of each before pairs are looked at.
struct Search<'a> {
    rows: &'a [f32],
    features: usize,
    /// Taken off every row before products. Distances do not depend on it; the size of rounding does.
    centre: Vec<f32>,
    /// A power of two that brings centred values below one, so that no square overflows.
    scale: f32,
    /// `|row|^2` of centred, scaled rows, less its part of the rounding: a pair's distance is at least the sum of
    /// its two less twice the product.
    weights: Vec<f32>,
}

impl<'a> Search<'a> {
    fn new(rows: &'a [f32], features: usize) -> Result<Self, RowsError> {
        // Without their sign, the bits of numbers lie in the order of the numbers, and below those of the rest.
        let size = |row: &[f32]| {
            row.iter().fold(0, |most: i32, value| most.max((value.to_bits() & !SIGN).cast_signed()))
        };
        let largest = rows.par_chunks_exact(features).map(size).max().unwrap_or_default();
        let largest = f32::from_bits(largest.cast_unsigned());
        if !largest.is_finite() {
            let row = rows.iter().position(|value| !value.is_finite()).unwrap_or_default() / features;
            return Err(RowsError::NotFinite(row));
        }
        let mut search =
            Search { rows, features, centre: Vec::new(), scale: scale_for(largest), weights: Vec::new() };
        search.centre = search.centre_of_some();
        let slack = 1.0 - search.rounding();
        search.weights =
            rows.par_chunks_exact(features).map(|row| (search.squares(row) * slack) as f32).collect();
        Ok(search)
    }

    /// `|row|^2` of a row, centred and scaled.
    fn squares(&self, row: &[f32]) -> f64 {
        let mut sums = [0.0_f64; 8];
        for (values, centre) in row.chunks(8).zip(self.centre.chunks(8)) {
            for ((sum, value), centre) in sums.iter_mut().zip(values).zip(centre) {
                let value = f64::from(self.centred(*value, *centre));
                *sum += value * value;
            }
        }
        total(&sums)
    }

    /// The mean of some rows, spread over the class: any centre is right, a good one makes rounding small.
    fn centre_of_some(&self) -> Vec<f32> {
        let n = self.rows.len() / self.features;
        let stride = n.div_ceil(CENTRE_ROWS);
        let mut sums = vec![0.0_f64; self.features];
        let mut count = 0.0;
        for row in self.rows.chunks_exact(self.features).step_by(stride) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
            count += 1.0;
        }
        sums.into_iter().map(|sum| (sum / count) as f32 * self.scale).collect()
    }

    fn centred(&self, value: f32, centre: f32) -> f32 {
        value * self.scale - centre
    }

    /// Share of `|a|^2 + |b|^2` by which a bound may be wrong: one unit for each addition of a product, a few for
    /// centring, for the sum of the three parts and for the weights' own rounding.
    fn rounding(&self) -> f64 {
        let additions = self.features.min(DEPTH) + self.features.div_ceil(DEPTH);
        (additions + 32) as f64 * f64::from(f32::EPSILON / 2.0) * 1.01
    }

    fn block(&self, block: usize) -> Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.weights.len())
    }

    /// The rows of the lowest bounds for every row, block by block: `k` and a few more.
    fn candidates(&self, ctx: &Ctx, n: usize, k: usize) -> Result<Vec<Kept>, RowsError> {
        let count = n.div_ceil(BLOCK);
        let width = (k + SPARE).min(n - 1);
        // Each block with itself first: later pairs are then mostly above what is kept.
        let kept = (0..count)
            .into_par_iter()
            .map_init(Buffers::default, |buffers, block| {
                ctx.check()?;
                let rows = self.block(block);
                let products = self.products(rows.clone(), rows.clone(), buffers);
                // No row is its own neighbour.
                products.iter_mut().step_by(rows.len() + 1).for_each(|product| *product = f32::INFINITY);
                let mut kept = Kept::new(rows.len(), width);
                kept.lower_limits(products, &self.weights[rows.clone()]);
                kept.offer_rows(products, rows.start, &self.weights[rows]);
                Ok(Mutex::new(kept))
            })
            .collect::<Result<Vec<_>, RowsError>>()?;
        // Then with the next, the one after that, and so on half way round.
        let half = count / 2;
        (0..count * half).into_par_iter().try_for_each_init(Buffers::default, |buffers, pair| {
            ctx.check()?;
            let (from, distance) = (pair / half, pair % half + 1);
            if distance * 2 == count && from >= half {
                // Half way round of an even number: seen from the other side.
                return Ok(());
            }
            let to = (from + distance) % count;
            let (a, b) = (self.block(from), self.block(to));
            let products = self.products(a.clone(), b.clone(), buffers);
            let lock = |block: usize| kept[block].lock().unwrap_or_else(PoisonError::into_inner);
            lock(from).offer_rows(products, b.start, &self.weights[b]);
            lock(to).offer_columns(products, a.start, &self.weights[a]);
            Ok::<(), RowsError>(())
        })?;
        Ok(kept.into_iter().map(|kept| kept.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
    }

    /// The same for the rows that are asked for, in blocks of their own.
    fn candidates_of(&self, ctx: &Ctx, asked: &[usize], k: usize) -> Result<Vec<Kept>, RowsError> {
        let n = self.weights.len();
        let count = n.div_ceil(BLOCK);
        let width = (k + SPARE).min(n - 1);
        let blocks: Vec<(&[usize], Mutex<Kept>)> =
            asked.chunks(BLOCK).map(|asked| (asked, Mutex::new(Kept::new(asked.len(), width)))).collect();
        (0..blocks.len() * count).into_par_iter().try_for_each_init(Buffers::default, |buffers, pair| {
            ctx.check()?;
            let (asked, kept) = &blocks[pair / count];
            let block = self.block(pair % count);
            let products = self.products_of(asked, block.clone(), buffers);
            for (row, products) in asked.iter().zip(products.chunks_exact_mut(block.len())) {
                // No row is its own neighbour.
                if block.contains(row) {
                    products[row - block.start] = f32::INFINITY;
                }
            }
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.offer_rows(products, block.start, &self.weights[block]);
            Ok::<(), RowsError>(())
        })?;
        Ok(blocks
            .into_iter()
            .map(|(_, kept)| kept.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect())
    }

    /// `-2ab` for the rows of two blocks: a row for each of `a`, a column for each of `b`.
    fn products<'b>(&self, a: Range<usize>, b: Range<usize>, buffers: &'b mut Buffers) -> &'b mut [f32] {
        let Buffers { left, in_left, right, products } = buffers;
        products.resize(a.len() * b.len(), 0.0);
        for first in (0..self.features).step_by(DEPTH) {
            let depth = DEPTH.min(self.features - first);
            if *in_left != Some((a.start, first)) {
                self.pack(a.clone(), first, depth, left);
                *in_left = Some((a.start, first));
            }
            let left: &[f32] = left;
            let right: &[f32] = if a == b {
                left
            } else {
                self.pack(b.clone(), first, depth, right);
                right
            };
            multiply(products, left, right, depth, first == 0);
        }
        products
    }

    /// The same for rows that lie anywhere, on the left.
    fn products_of<'b>(&self, a: &[usize], b: Range<usize>, buffers: &'b mut Buffers) -> &'b mut [f32] {
        let Buffers { left, in_left, right, products } = buffers;
        *in_left = None;
        products.resize(a.len() * b.len(), 0.0);
        for first in (0..self.features).step_by(DEPTH) {
            let depth = DEPTH.min(self.features - first);
            self.pack(a.iter().copied(), first, depth, left);
            self.pack(b.clone(), first, depth, right);
            multiply(products, left, right, depth, first == 0);
        }
        products
    }

    /// Some features of some rows, centred and scaled.
    fn pack(
        &self,
        rows: impl ExactSizeIterator<Item = usize>,
        first: usize,
        depth: usize,
        out: &mut Vec<f32>,
    ) {
        let centre = &self.centre[first..first + depth];
        out.resize(rows.len() * depth, 0.0);
        for (row, out) in rows.zip(out.chunks_exact_mut(depth)) {
            let values = &self.rows[row * self.features + first..][..depth];
            for ((out, value), centre) in out.iter_mut().zip(values).zip(centre) {
                *out = self.centred(*value, *centre);
            }
        }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.rows[row * self.features..(row + 1) * self.features]
    }

    /// The nearest of the candidates, which come with the lowest bound first; of all rows where that is not certain.
    fn rank(&self, row: usize, (keys, candidates): (&[f32], &[usize]), out: &mut [usize]) {
        let weight = f64::from(self.weights[row]);
        // Products may also lose what is too small for f32.
        let underflow = self.features as f64 * 2.0_f64.powi(-100);
        let lower = |at: usize| f64::from(keys[at]) + weight - underflow;
        let upper = |at: usize| {
            let weights = weight + f64::from(self.weights[candidates[at]]);
            (lower(at) + 2.1 * self.rounding() * weights + 3.0 * underflow) * MEASURED
        };
        let all_kept = candidates.len() + 1 == self.weights.len();
        let (mut begin, mut filled) = (0, 0);
        while filled < out.len() {
            // Candidates whose bounds overlap, in a chain.
            let (mut end, mut reach) = (begin + 1, upper(begin));
            while end < candidates.len() && lower(end) <= reach {
                reach = reach.max(upper(end));
                end += 1;
            }
            if end == candidates.len() && !all_kept {
                return self.rank_all(row, candidates, out);
            }
            let free = &mut out[filled..];
            filled += if end == begin + 1 {
                free[0] = candidates[begin];
                1
            } else {
                let mut best = Best::new(free.len());
                for &candidate in &candidates[begin..end] {
                    best.offer(candidate, self.row(row), self.row(candidate));
                }
                best.write(free)
            };
            begin = end;
        }
    }

    /// The nearest of all rows; the candidates are looked at first, since they leave little for the rest.
    fn rank_all(&self, row: usize, candidates: &[usize], out: &mut [usize]) {
        let mut best = Best::new(out.len());
        for &candidate in candidates {
            best.offer(candidate, self.row(row), self.row(candidate));
        }
        for other in 0..self.weights.len() {
            if best.is_final(other) {
                break;
            }
            if other != row && !candidates.contains(&other) {
                best.offer(other, self.row(row), self.row(other));
            }
        }
        best.write(out);
    }
}

/// `-2ab` over `depth` features of packed rows, which begins the sums or adds to them.
fn multiply(products: &mut [f32], left: &[f32], right: &[f32], depth: usize, begins: bool) {
    let (a, b) = (left.len() / depth, right.len() / depth);
    matmul(
        MatMut::from_row_major_slice_mut(products, a, b),
        if begins { Accum::Replace } else { Accum::Add },
        MatRef::from_row_major_slice(left, a, depth),
        MatRef::from_row_major_slice(right, b, depth).transpose(),
        -2.0,
        Par::Seq,
    );
}

/// The power of two that brings `largest` and twice it below one; within what f32 holds.
fn scale_for(largest: f32) -> f32 {
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = f64::from(largest).log2().floor() as i32 + 3;
    2.0_f32.powi((-exponent).clamp(-126, 127))
}

/// What a thread works in.
#[derive(Default)]
struct Buffers {
    left: Vec<f32>,
    /// First row and first feature of what lies there: pairs of one block follow each other.
    in_left: Option<(usize, usize)>,
    right: Vec<f32>,
    products: Vec<f32>,
}

/// Rows of one block with the candidates kept for each, lowest bound first. A key is a bound less the row's own
/// weight, which all its candidates share.
struct Kept {
    width: usize,
    keys: Vec<f32>,
    positions: Vec<usize>,
    /// Keys from here on are not kept: the highest key of each row, and less while a row is filled.
    limits: Vec<f32>,
}

impl Kept {
    fn new(rows: usize, width: usize) -> Self {
        Kept {
            width,
            keys: vec![f32::INFINITY; rows * width],
            positions: vec![usize::MAX; rows * width],
            limits: vec![f32::INFINITY; rows],
        }
    }

    fn of(&self, row: usize) -> (&[f32], &[usize]) {
        let range = row * self.width..(row + 1) * self.width;
        (&self.keys[range.clone()], &self.positions[range])
    }

    /// Brings the limits down to where enough keys of the first products lie, before any of them is kept: of the
    /// least keys in each of some lanes, as many as are kept lie at or below the highest of that many.
    fn lower_limits(&mut self, products: &[f32], weights: &[f32]) {
        if self.width > LANES {
            return;
        }
        for (limit, products) in self.limits.iter_mut().zip(products.chunks_exact(weights.len())) {
            let mut least = [f32::INFINITY; LANES];
            for (products, weights) in
                products.as_chunks::<LANES>().0.iter().zip(weights.as_chunks::<LANES>().0)
            {
                for ((least, product), weight) in least.iter_mut().zip(products).zip(weights) {
                    *least = least.min(weight + product);
                }
            }
            least.sort_unstable_by(f32::total_cmp);
            *limit = least[self.width - 1].next_up();
        }
    }

    /// Each of this block's rows takes a row of `products`: its pairs with rows from `first` on.
    fn offer_rows(&mut self, products: &[f32], first: usize, weights: &[f32]) {
        let (of_chunks, of_rest) = weights.as_chunks::<LANES>();
        for (row, products) in products.chunks_exact(weights.len()).enumerate() {
            let (chunks, rest) = products.as_chunks::<LANES>();
            let mut position = first;
            for (products, weights) in chunks.iter().zip(of_chunks) {
                let limit = self.limits[row];
                let mut keys = [0.0_f32; LANES];
                let mut any = false;
                for ((key, product), weight) in keys.iter_mut().zip(products).zip(weights) {
                    *key = weight + product;
                    any |= *key < limit;
                }
                if any {
                    for (lane, key) in keys.into_iter().enumerate() {
                        self.offer(row, key, position + lane);
                    }
                }
                position += LANES;
            }
            for (lane, (product, weight)) in rest.iter().zip(of_rest).enumerate() {
                self.offer(row, weight + product, position + lane);
            }
        }
    }

    /// Each of this block's rows takes a column of `products`: its pairs with rows from `first` on.
    fn offer_columns(&mut self, products: &[f32], first: usize, weights: &[f32]) {
        for (other, (products, weight)) in products.chunks_exact(self.limits.len()).zip(weights).enumerate() {
            let (chunks, rest) = products.as_chunks::<LANES>();
            let mut row = 0;
            for products in chunks {
                let mut any = false;
                for (product, limit) in products.iter().zip(&self.limits[row..row + LANES]) {
                    any |= weight + product < *limit;
                }
                if any {
                    for (lane, product) in products.iter().enumerate() {
                        self.offer(row + lane, weight + product, first + other);
                    }
                }
                row += LANES;
            }
            for (lane, product) in rest.iter().enumerate() {
                self.offer(row + lane, weight + product, first + other);
            }
        }
    }

    fn offer(&mut self, row: usize, key: f32, position: usize) {
        if key >= self.limits[row] {
            return;
        }
        let range = row * self.width..(row + 1) * self.width;
        let (keys, positions) = (&mut self.keys[range.clone()], &mut self.positions[range]);
        let mut at = self.width - 1;
        while at > 0 && keys[at - 1] > key {
            keys[at] = keys[at - 1];
            positions[at] = positions[at - 1];
            at -= 1;
        }
        keys[at] = key;
        positions[at] = position;
        self.limits[row] = self.limits[row].min(keys[self.width - 1]);
    }
}

/// The nearest of the rows measured so far: distance, then position.
struct Best {
    k: usize,
    list: Vec<(f64, usize)>,
}

impl Best {
    fn new(k: usize) -> Self {
        Best { k, list: Vec::with_capacity(k + 1) }
    }

    /// Writes the positions, as many as there are; says how many.
    fn write(&self, out: &mut [usize]) -> usize {
        for (out, (_, position)) in out.iter_mut().zip(&self.list) {
            *out = *position;
        }
        self.list.len()
    }

    /// Distance that a row must not exceed.
    fn limit(&self) -> f64 {
        match self.list.last() {
            Some((distance, _)) if self.list.len() == self.k => *distance,
            _ => f64::INFINITY,
        }
    }

    /// True where no row from `position` on can be nearer: k copies before it.
    fn is_final(&self, position: usize) -> bool {
        self.limit() == 0.0 && self.list.last().is_some_and(|(_, last)| *last < position)
    }

    fn offer(&mut self, position: usize, from: &[f32], to: &[f32]) {
        let limit = self.limit();
        let distance = distance_within(from, to, limit);
        if distance > limit {
            return;
        }
        let at = self.list.partition_point(|&(d, p)| d < distance || (d == distance && p < position));
        self.list.insert(at, (distance, position));
        self.list.truncate(self.k);
    }
}
