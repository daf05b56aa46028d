//! Maps of what a classifier looks at: cases worked by hand, networks whose right map is known, what holds for any.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use counterpoise::domain::random::{Stage, stream};
use counterpoise::domain::task::{Ctx, Event, Sink};
use counterpoise::evaluation::saliency::curves::{self, Curves, curves};
use counterpoise::evaluation::saliency::grad_cam::{class_map, closed_form, grad_cam, grad_cam_of};
use counterpoise::evaluation::saliency::paint::{OPACITY, colour, paint, png, with_legend};
use counterpoise::evaluation::saliency::rise::{self, Masks, ScoredMasks, Weighing, rise};
use counterpoise::evaluation::saliency::{
    Answer, Baseline, Explainer, SaliencyError, SaliencyMap, Subjects, softmax_of,
};
use counterpoise::imaging::picture::{Depth, Picture, Pixels};
use counterpoise::nn::ComputeDevice;
use counterpoise::nn::init::Init;
use counterpoise::nn::input_gradient::Images;
use counterpoise::nn::layers::Pass;
use counterpoise::nn::parameters;
use counterpoise::nn::resnet::{ResNet, ResNetConfig};

/// Side of the pictures with one lit corner, and of the corner.
const SIDE: usize = 12;
const CORNER: usize = 3;

fn grey(side: usize, value: impl Fn(usize, usize) -> u8) -> Picture {
    let samples = (0..side * side).map(|at| value(at / side, at % side)).collect();
    Picture::new(side as u32, side as u32, 1, Pixels::U8(samples)).unwrap()
}

fn in_corner(row: usize, column: usize) -> bool {
    row < CORNER && column < CORNER
}

/// Black but for the corner at the top left.
fn lit_corner() -> Picture {
    grey(SIDE, |row, column| if in_corner(row, column) { 255 } else { 0 })
}

/// A network of one block that copies its picture: class 1 gains with every lit pixel, class 0 loses.
fn light_meter() -> ResNet {
    let config = ResNetConfig {
        channels: 1,
        classes: 2,
        widths: vec![2],
        blocks: 1,
        stem_stride: 1,
        projection: false,
        mean: vec![0.0],
        deviation: vec![1.0],
    };
    let network = config.build(&mut Init::new(1, 0, &ComputeDevice::cpu().plain()));
    let mut tensors = parameters::read(&network);
    for (name, tensor) in &mut tensors {
        if name.ends_with("weight") {
            tensor.values.fill(0.0);
        }
    }
    // The middle tap of the first of two filters; the block adds nothing to its shortcut.
    tensors.get_mut("stem.weight").unwrap().values[4] = 1.0;
    let head = tensors.get_mut("head.weight").unwrap();
    assert_eq!(head.shape, [2, 2]);
    head.values.copy_from_slice(&[-32.0, 32.0, 0.0, 0.0]);
    tensors.get_mut("head.bias").unwrap().values.copy_from_slice(&[1.0, -1.0]);
    parameters::write(network, &tensors).unwrap()
}

fn random_pictures(seed: u64, count: usize, side: usize, channels: usize) -> Vec<Picture> {
    (0..count)
        .map(|index| {
            let mut draws = stream(seed, Stage::Other, 0, index as u64);
            let samples = (0..side * side * channels).map(|_| draws.below(256) as u8).collect();
            Picture::new(side as u32, side as u32, channels as u8, Pixels::U8(samples)).unwrap()
        })
        .collect()
}

fn black() -> Baseline {
    Baseline::new(&[0.0]).unwrap()
}

fn settings(masks: usize, grid: usize) -> rise::Settings {
    rise::Settings { masks, grid, seed: 5, ..rise::Settings::default() }
}

/// A value of the method's own unit.
fn raw(map: &SaliencyMap, at: usize) -> f64 {
    let [low, high] = map.range();
    low + map.values()[at] * (high - low)
}

fn highest(map: &SaliencyMap) -> [usize; 2] {
    let at = map.values().iter().position(|value| *value == 1.0).unwrap();
    [at / map.size()[1], at % map.size()[1]]
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// A classifier whose first probability is a sum over the pixels of a grey picture, plus a constant.
fn linear(constant: f64, weights: Vec<f64>) -> impl Fn(&Images) -> Answer {
    move |images: &Images| -> Answer {
        let rows = images.values.chunks(weights.len());
        let sum = |row: &[f32]| row.iter().zip(&weights).map(|(x, w)| f64::from(*x) * w).sum::<f64>();
        Ok(rows.map(|row| vec![constant + sum(row)]).collect())
    }
}

fn only(at: usize, pixels: usize) -> Vec<f64> {
    (0..pixels).map(|pixel| f64::from(u8::from(pixel == at))).collect()
}

// ------------------------------------------------------------------ Grad-CAM

#[test]
fn the_published_sum_is_rectified_and_divided_by_its_maximum() {
    let maps: [f32; 8] = [1.0, 2.0, 0.0, 1.0, 0.0, 1.0, 3.0, 1.0];
    let sum = class_map(&maps, &[0.2, -0.1], 4);
    assert!(apart(&sum, &[0.2, 0.3, 0.0, 0.1]) < 1e-12, "{sum:?}");
    let map = SaliencyMap::new(Explainer::GradCam, [2, 2], &sum).unwrap();
    assert!(apart(map.values(), &[2.0 / 3.0, 1.0, 0.0, 1.0 / 3.0]) < 1e-12);
    assert!(apart(&map.range(), &[0.0, 0.3]) < 1e-12);
}

#[test]
fn grad_cam_marks_the_corner_that_the_network_sees_and_nothing_else() {
    let (network, device) = (light_meter(), ComputeDevice::cpu());
    let pictures = [lit_corner()];
    let subjects = Subjects::new(&pictures, &[1]).unwrap();
    for maps in [
        grad_cam(&Ctx::default(), &network, &subjects, &device).unwrap(),
        closed_form(&Ctx::default(), &network, &subjects, &device).unwrap(),
    ] {
        assert_eq!(maps[0].size(), [SIDE, SIDE]);
        for (at, value) in maps[0].values().iter().enumerate() {
            let wanted = if in_corner(at / SIDE, at % SIDE) { 1.0 } else { 0.0 };
            assert!((value - wanted).abs() < 1e-4, "{at}: {value}");
        }
        // The weight 32 spread over the pixels; the normalisation divides by sqrt(1 + 1e-5).
        let peak = maps[0].range()[1];
        assert!((peak - 32.0 / (SIDE * SIDE) as f64).abs() < 1e-4, "{peak}");
    }
}

#[test]
fn a_map_of_which_all_speaks_against_the_class_is_blank_and_says_so() {
    let (network, device) = (light_meter(), ComputeDevice::cpu());
    let pictures = [lit_corner()];
    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    let map = &grad_cam(&Ctx::default(), &network, &subjects, &device).unwrap()[0];
    assert!(map.is_blank());
    assert!(map.values().iter().all(|value| *value == 0.0));
    assert!(map.caption().contains("blank"), "{}", map.caption());
    let painted = paint(&pictures[0], map, OPACITY).unwrap();
    assert_eq!(painted.to_u8(), pictures[0].to_colour().to_u8(), "no colour over a blank map");
}

#[test]
fn the_gradient_is_the_closed_form() {
    let device = ComputeDevice::cpu();
    let config = ResNetConfig::small(3, 4);
    let network = config.build(&mut Init::new(7, 0, &device.plain()));
    let pictures = random_pictures(2, 5, 24, 3);
    let subjects = Subjects::new(&pictures, &[0, 1, 2, 3, 0]).unwrap();
    let by_gradient = grad_cam(&Ctx::default(), &network, &subjects, &device).unwrap();
    let closed = closed_form(&Ctx::default(), &network, &subjects, &device).unwrap();
    assert_eq!((by_gradient.len(), closed.len()), (5, 5));
    assert!(closed.iter().any(|map| !map.is_blank()), "every map is blank, so nothing was compared");
    for (a, b) in by_gradient.iter().zip(&closed) {
        let scale = b.range()[1].max(1e-12);
        assert!(apart(&a.range(), &b.range()) / scale < 1e-4, "{:?} and {:?}", a.range(), b.range());
        assert!(apart(a.values(), b.values()) < 1e-4);
    }

    // A network that still trains gives the same maps, and other outputs give others.
    let training = config.build(&mut Init::new(7, 0, &device.autodiff()));
    let of_training = grad_cam(&Ctx::default(), &training, &subjects, &device).unwrap();
    let doubled = grad_cam_of(&Ctx::default(), &network, &subjects, &device, |network, maps| {
        network.logits_of_maps(maps) * 2.0
    })
    .unwrap();
    for ((a, b), twice) in by_gradient.iter().zip(&of_training).zip(&doubled) {
        assert!(apart(a.values(), b.values()) < 1e-4);
        assert!((twice.range()[1] - 2.0 * a.range()[1]).abs() <= 1e-4 * twice.range()[1]);
    }
}

#[test]
fn the_parts_of_a_forward_are_the_forward() {
    let device = ComputeDevice::cpu().plain();
    let network = ResNetConfig::small(1, 3).build(&mut Init::new(4, 0, &device));
    let values = random_pictures(3, 2, 16, 1).iter().flat_map(Picture::to_f32).collect();
    let x = Images { shape: [2, 1, 16, 16], values }.to_tensor(&device);
    let maps = network.last_maps(x.clone(), &mut Pass::inference());
    assert_eq!(maps.dims(), [2, 64, 2, 2]);
    let parts = network.logits_of_maps(maps).try_into_vec_as::<f32>().unwrap();
    let whole = network.forward(x.clone(), &mut Pass::inference()).try_into_vec_as::<f32>().unwrap();
    assert_eq!(parts, whole);
    let maps = network.last_maps(x.clone(), &mut Pass::inference());
    let parts = network.cosines_of_maps(maps).try_into_vec_as::<f32>().unwrap();
    let whole = network.cosines(x, &mut Pass::inference()).try_into_vec_as::<f32>().unwrap();
    assert_eq!(parts, whole);
    assert!(parts.iter().all(|cosine| cosine.abs() <= 1.0 + 1e-5));
}

// ------------------------------------------------------------------ RISE

#[test]
fn the_published_sum_over_masks() {
    let masks: [[f32; 4]; 4] = [[1.0, 0.5, 0.0, 0.5], [0.0, 1.0, 1.0, 0.0], [0.5; 4], [1.0, 0.0, 1.0, 1.0]];
    let mut sum = ScoredMasks::new(4);
    for (mask, score) in masks.iter().zip([0.9, 0.1, 0.4, 0.8]) {
        sum.add(mask, score);
    }
    assert!(apart(&sum.mean(0.5, Weighing::Expected), &[0.95, 0.375, 0.55, 0.725]) < 1e-12);
    assert!(apart(&sum.mean(0.5, Weighing::Covered), &[0.76, 0.375, 0.44, 0.725]) < 1e-12);
}

#[test]
fn masks_belong_to_the_seed() {
    let size = [10, 14];
    let few = Masks::new(&settings(3, 4), size).unwrap();
    let many = Masks::new(&settings(900, 4), size).unwrap();
    let others = Masks::new(&rise::Settings { seed: 6, ..settings(3, 4) }, size).unwrap();
    assert_eq!(few.mask(2), many.mask(2), "a mask depends on how many there are");
    assert_ne!(few.mask(2), few.mask(1));
    assert_ne!(few.mask(2), others.mask(2));

    let third = Masks::new(&rise::Settings { keep: 0.3, ..settings(2000, 4) }, size).unwrap();
    let mut sums = [0.0_f64; 140];
    let mut soft = 0;
    for index in 0..2000 {
        let mask = third.mask(index);
        assert_eq!(mask.len(), 140);
        assert!(mask.iter().all(|value| (0.0..=1.0).contains(value)));
        soft += mask.iter().filter(|value| (0.1..0.9).contains(*value)).count();
        sums.iter_mut().zip(&mask).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    // A cell is shown with a standard error of 0.01; each pixel alike, those at the rim too.
    assert!(sums.iter().all(|sum| (sum / 2000.0 - 0.3).abs() < 0.05), "{sums:?}");
    assert!(soft > 2000, "edges of cells are not soft");
}

/// What each cell of a row of `grid` counts in pixel `at` of the row enlarged to `large`: a tent over each
/// centre, the outermost going on to the edge. Written apart from the code.
fn tents(grid: usize, large: usize, at: usize) -> Vec<f64> {
    let place = ((at as f64 + 0.5) * grid as f64 / large as f64 - 0.5).clamp(0.0, grid as f64 - 1.0);
    (0..grid).map(|cell| (1.0 - (place - cell as f64).abs()).max(0.0)).collect()
}

/// How far two pixels of a row share cells, on average over the shifts.
fn shared(grid: usize, side: usize, a: usize, b: usize) -> f64 {
    let cell = side.div_ceil(grid);
    let large = (grid + 1) * cell;
    let sum: f64 = (0..cell)
        .map(|shift| {
            let (a, b) = (tents(grid, large, a + shift), tents(grid, large, b + shift));
            a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>()
        })
        .sum();
    sum / cell as f64
}

#[test]
fn rise_of_a_linear_score_has_the_expectation_of_its_formula() {
    // score = c + sum_m a_m x_m on a white picture over black, so x is the mask itself. Cells are drawn alone:
    // E[mask_l mask_m] = p^2 + p (1 - p) G(l, m), and E of the map is c + sum_m a_m (p + (1 - p) G(l, m)).
    const N: usize = 8000;
    let (side, grid, keep, constant) = (6, 3, 0.3, 0.1);
    let mut weights = vec![0.0; side * side];
    (weights[7], weights[22]) = (0.6, 0.3);
    let pictures = [grey(side, |_, _| 255)];
    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    let settings = rise::Settings { keep, batch: 500, ..settings(N, grid) };
    let map =
        &rise(&Ctx::default(), linear(constant, weights.clone()), &subjects, &black(), &settings).unwrap()[0];
    assert_eq!(map.explainer(), Explainer::Rise { masks: N });
    for at in 0..side * side {
        let gains = weights.iter().enumerate().map(|(other, weight)| {
            let rows = shared(grid, side, at / side, other / side);
            weight * (keep + (1.0 - keep) * rows * shared(grid, side, at % side, other % side))
        });
        let wanted = constant + gains.sum::<f64>();
        // Three standard errors are about 0.03.
        assert!((raw(map, at) - wanted).abs() < 0.05, "{at}: {} instead of {wanted}", raw(map, at));
    }
    assert!(raw(map, 7) > raw(map, 35) + 0.1);
}

#[test]
fn rise_and_the_curves_find_the_corner_that_the_network_looks_at() {
    let (network, device) = (light_meter(), ComputeDevice::cpu());
    let pictures = [lit_corner()];
    let subjects = Subjects::new(&pictures, &[1]).unwrap();
    let baseline = Baseline::of_network(&network);
    assert_eq!(baseline, black());
    let says = softmax_of(&network, &device);
    let maps = rise(&Ctx::default(), &says, &subjects, &baseline, &settings(400, 4)).unwrap();
    assert!(highest(&maps[0]).iter().all(|place| *place < CORNER + 2), "{:?}", highest(&maps[0]));
    let (mut inside, mut outside) = (0.0_f64, 0.0_f64);
    for (at, value) in maps[0].values().iter().enumerate() {
        if in_corner(at / SIDE, at % SIDE) { inside += value } else { outside += value }
    }
    let (inside, outside) = (inside / 9.0, outside / (SIDE * SIDE - 9) as f64);
    assert!(inside > outside + 0.3, "{inside} in the corner, {outside} elsewhere");

    let exact = grad_cam(&Ctx::default(), &network, &subjects, &device).unwrap();
    let walk = |maps: &[SaliencyMap]| -> Curves {
        let settings = curves::Settings { steps: 48, ..curves::Settings::default() };
        curves(&Ctx::default(), &says, &subjects, maps, &baseline, &settings).unwrap().remove(0)
    };
    let (good, wide) = (walk(&exact), walk(&maps));
    // From sigmoid(2) to sigmoid(-2) within nine of 144 pixels.
    assert!(good.deletion.area < 0.2 && good.insertion.area > 0.8, "{good:?}");
    assert!(wide.deletion.area < wide.insertion.area);
    let against = SaliencyMap::new(
        Explainer::GradCam,
        [SIDE, SIDE],
        &exact[0].values().iter().map(|value| 1.0 - value).collect::<Vec<f64>>(),
    );
    let bad = walk(&[against.unwrap()]);
    assert!(bad.deletion.area > 0.7 && bad.insertion.area < 0.3, "{bad:?}");
}

#[test]
fn the_size_of_a_batch_does_not_matter() {
    let (network, device) = (light_meter(), ComputeDevice::cpu());
    let pictures = [lit_corner(), grey(SIDE, |row, _| if row > 8 { 200 } else { 20 })];
    let subjects = Subjects::new(&pictures, &[1, 0]).unwrap();
    let says = softmax_of(&network, &device);
    let [whole, parts] = [64, 7].map(|batch| {
        let settings = rise::Settings { batch, ..settings(60, 4) };
        rise(&Ctx::default(), &says, &subjects, &black(), &settings).unwrap()
    });
    for (a, b) in whole.iter().zip(&parts) {
        assert!(!a.is_blank());
        assert!(apart(a.values(), b.values()) < 1e-4);
        assert!(apart(&a.range(), &b.range()) < 1e-5);
    }
    let [whole, parts] = [64, 5].map(|batch| {
        let settings = curves::Settings { steps: 20, batch, seed: 1 };
        curves(&Ctx::default(), &says, &subjects, &whole, &black(), &settings).unwrap()
    });
    for (a, b) in whole.iter().zip(&parts) {
        assert_eq!(a.deletion.points.len(), 21);
        assert!((a.deletion.area - b.deletion.area).abs() < 1e-5);
        assert!((a.insertion.area - b.insertion.area).abs() < 1e-5);
    }
}

#[test]
fn pictures_and_classifiers_share_the_masks() {
    let pictures = [lit_corner(), lit_corner()];
    let both = Subjects::new(&pictures, &[0, 0]).unwrap();
    let one = Subjects::new(&pictures[..1], &[0]).unwrap();
    let weights = only(14, SIDE * SIDE);
    let maps = |subjects: &Subjects<'_>, factor: f64| {
        let weights = weights.iter().map(|weight| weight * factor).collect();
        rise(&Ctx::default(), linear(0.0, weights), subjects, &black(), &settings(50, 4)).unwrap()
    };
    let together = maps(&both, 1.0);
    assert_eq!(together[0], together[1]);
    assert_eq!(maps(&one, 1.0)[0], together[0]);
    // Another classifier with half the score has half the map, bit for bit where masks are the same.
    let half = &maps(&one, 0.5)[0];
    assert_eq!(half.range(), together[0].range().map(|end| end / 2.0));
    assert_eq!(half.values(), together[0].values());
}

#[test]
fn a_score_that_never_changes_is_blank_where_the_draw_is_taken_out() {
    let pictures = [lit_corner()];
    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    let settings = rise::Settings { weighing: Weighing::Covered, ..settings(40, 4) };
    let same = linear(0.4, vec![0.0; SIDE * SIDE]);
    let map = &rise(&Ctx::default(), same, &subjects, &black(), &settings).unwrap()[0];
    assert!(map.is_blank());
    assert_eq!(map.caption(), "RISE, 40 masks: blank, the score is 0.400 whatever is hidden");
}

#[test]
fn cancelling_is_heard_within_a_forward_and_stopping_keeps_what_there_is() {
    let pictures = [lit_corner(), lit_corner()];
    let subjects = Subjects::new(&pictures, &[0, 0]).unwrap();
    let settings = rise::Settings { batch: 8, ..settings(80, 4) };
    let weights = only(14, SIDE * SIDE);
    let run = |act: fn(&Ctx)| {
        let (ctx, calls) = (Ctx::default(), Cell::new(0));
        let inner = linear(0.0, weights.clone());
        let says = |images: &Images| {
            calls.set(calls.get() + 1);
            act(&ctx);
            inner(images)
        };
        (rise(&ctx, says, &subjects, &black(), &settings), calls.get())
    };
    let (cancelled, calls) = run(Ctx::cancel);
    assert_eq!(cancelled.unwrap_err(), SaliencyError::Cancelled);
    assert_eq!(calls, 1);
    let (kept, calls) = run(Ctx::stop_and_keep);
    assert_eq!(calls, 2, "both pictures see the same masks");
    assert!(kept.unwrap().iter().all(|map| map.explainer() == Explainer::Rise { masks: 8 }));

    let (network, device) = (light_meter(), ComputeDevice::cpu());
    let ctx = Ctx::default();
    ctx.cancel();
    assert_eq!(grad_cam(&ctx, &network, &subjects, &device).unwrap_err(), SaliencyError::Cancelled);
    let map = SaliencyMap::new(Explainer::GradCam, [SIDE, SIDE], &weights).unwrap();
    let maps = [map.clone(), map];
    let walked =
        curves(&ctx, linear(0.0, weights.clone()), &subjects, &maps, &black(), &curves::Settings::default());
    assert_eq!(walked.unwrap_err(), SaliencyError::Cancelled);
}

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(u64, u64)>>>);

impl Sink for Told {
    fn event(&self, event: Event) {
        if let Event::Progress { done, total, .. } = event {
            self.0.lock().unwrap().push((done, total));
        }
    }
}

#[test]
fn progress_climbs_to_its_end() {
    let told = Told::default();
    let ctx = Ctx::new(told.clone());
    let pictures = [lit_corner(), lit_corner()];
    let subjects = Subjects::new(&pictures, &[0, 0]).unwrap();
    let weights = only(14, SIDE * SIDE);
    let settings = rise::Settings { batch: 8, ..settings(20, 4) };
    let maps = rise(&ctx, linear(0.0, weights.clone()), &subjects, &black(), &settings).unwrap();
    let check = |end: (u64, u64)| {
        let seen: Vec<(u64, u64)> = told.0.lock().unwrap().drain(..).collect();
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 == pair[1].1), "{seen:?}");
        assert_eq!(seen.first().unwrap().0, 0);
        assert_eq!(*seen.last().unwrap(), end);
    };
    check((40, 40));
    let settings = curves::Settings { steps: 9, batch: 4, seed: 0 };
    curves(&ctx, linear(0.0, weights), &subjects, &maps, &black(), &settings).unwrap();
    check((40, 40));
}

// ------------------------------------------------------------------ deletion and insertion

#[test]
fn curves_of_one_pixel_that_decides() {
    let pictures = [grey(4, |_, _| 255)];
    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    let decides = only(0, 16);
    let walk = |raw: &[f64]| {
        let map = SaliencyMap::new(Explainer::GradCam, [4, 4], raw).unwrap();
        let settings = curves::Settings { steps: 16, ..curves::Settings::default() };
        let says = linear(0.0, decides.clone());
        curves(&Ctx::default(), says, &subjects, &[map], &black(), &settings).unwrap().remove(0)
    };
    let found = walk(&decides);
    assert_eq!(found.deletion.points[..3], [[0.0, 1.0], [1.0 / 16.0, 0.0], [2.0 / 16.0, 0.0]]);
    assert_eq!(found.insertion.points[..2], [[0.0, 0.0], [1.0 / 16.0, 1.0]]);
    assert_eq!(found.insertion.points.last(), Some(&[1.0, 1.0]));
    assert!((found.deletion.area - 1.0 / 32.0).abs() < 1e-12);
    assert!((found.insertion.area - 31.0 / 32.0).abs() < 1e-12);
    // Marked as the last of all.
    let missed = walk(&decides.iter().map(|value| 1.0 - value).collect::<Vec<f64>>());
    assert!((missed.deletion.area - 31.0 / 32.0).abs() < 1e-12);
    assert!((missed.insertion.area - 1.0 / 32.0).abs() < 1e-12);
}

#[test]
fn curves_of_a_mean_are_straight_whatever_the_map_and_begin_at_the_baseline() {
    let pictures = [grey(4, |_, _| 255)];
    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    let half = Baseline::new(&[0.5]).unwrap();
    let blank = SaliencyMap::new(Explainer::GradCam, [4, 4], &[0.0; 16]).unwrap();
    assert!(blank.is_blank());
    let walk = |steps: usize| {
        let settings = curves::Settings { steps, batch: 3, seed: 2 };
        let says = linear(0.0, vec![1.0 / 16.0; 16]);
        curves(&Ctx::default(), says, &subjects, std::slice::from_ref(&blank), &half, &settings)
            .unwrap()
            .remove(0)
    };
    for steps in [1, 5, 16] {
        let found = walk(steps);
        assert_eq!(found.deletion.points.len(), steps + 1);
        for (curve, [from, to]) in [(&found.deletion, [1.0, 0.5]), (&found.insertion, [0.5, 1.0])] {
            for [share, score] in &curve.points {
                assert!((score - (from + share * (to - from))).abs() < 1e-6);
            }
            assert!((curve.area - 0.75).abs() < 1e-6, "{}", curve.area);
        }
    }
    let shares: Vec<f64> = walk(5).deletion.points.iter().map(|point| point[0] * 16.0).collect();
    assert_eq!(shares, [0.0, 3.0, 6.0, 10.0, 13.0, 16.0]);
    assert_eq!(walk(1000).deletion.points.len(), 17, "no more steps than pixels");
}

#[test]
fn pixels_of_one_value_go_in_the_order_of_the_seed() {
    let pictures = [grey(4, |_, _| 255)];
    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    let blank = [SaliencyMap::new(Explainer::GradCam, [4, 4], &[0.0; 16]).unwrap()];
    let area = |seed: u64| {
        let settings = curves::Settings { steps: 16, batch: 64, seed };
        let found = curves(&Ctx::default(), linear(0.0, only(0, 16)), &subjects, &blank, &black(), &settings);
        found.unwrap()[0].deletion.area
    };
    assert_eq!(area(3), area(3));
    let areas: Vec<f64> = (0..40).map(area).collect();
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    // The first pixel in rows would go first in every one.
    assert!((mean - 0.5).abs() < 0.2, "{mean}");
}

// ------------------------------------------------------------------ baselines, settings, refusals

#[test]
fn a_baseline_is_the_mean_of_pictures_or_of_the_network() {
    let dark_and_light = [grey(4, |_, _| 0), grey(8, |row, _| if row < 4 { 255 } else { 0 })];
    let mean = Baseline::of_pictures(&dark_and_light).unwrap();
    assert!((mean.values()[0] - 0.25).abs() < 1e-6);
    let red = Picture::new(1, 2, 3, Pixels::U8(vec![255, 0, 51, 255, 0, 51])).unwrap();
    let of_red = Baseline::of_pictures(std::slice::from_ref(&red)).unwrap();
    let wanted = [1.0, 0.0, 0.2];
    assert!(of_red.values().iter().zip(wanted).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6));
    assert_eq!(Baseline::of_pictures(&[]), None);
    assert_eq!(Baseline::of_pictures(&[red, grey(2, |_, _| 9)]), None);
    assert_eq!(Baseline::new(&[0.2, 1.1]), None);
    let device = ComputeDevice::cpu().plain();
    let network = ResNetConfig::small(3, 2).build(&mut Init::new(1, 0, &device));
    assert_eq!(Baseline::of_network(&network).values(), [0.5; 3]);
}

#[test]
fn what_does_not_fit_is_refused_in_a_sentence() {
    let ctx = Ctx::default();
    let (network, device) = (light_meter(), ComputeDevice::cpu());
    let pictures = [lit_corner()];
    let subjects = Subjects::new(&pictures, &[5]).unwrap();
    let unknown = SaliencyError::Class { class: 5, classes: 2 };
    assert_eq!(grad_cam(&ctx, &network, &subjects, &device).unwrap_err(), unknown);
    assert_eq!(closed_form(&ctx, &network, &subjects, &device).unwrap_err(), unknown);
    let says = softmax_of(&network, &device);
    assert_eq!(rise(&ctx, &says, &subjects, &black(), &settings(2, 4)).unwrap_err(), unknown);

    assert_eq!(Subjects::new(&[], &[]).unwrap_err(), SaliencyError::NoPicture);
    assert!(matches!(Subjects::new(&pictures, &[]), Err(SaliencyError::Count { .. })));
    let sizes = [lit_corner(), grey(5, |_, _| 1)];
    assert!(matches!(Subjects::new(&sizes, &[0, 0]), Err(SaliencyError::Shape { .. })));

    let colour = [lit_corner().to_colour()];
    let subjects = Subjects::new(&colour, &[0]).unwrap();
    assert!(matches!(grad_cam(&ctx, &network, &subjects, &device), Err(SaliencyError::Shape { .. })));
    let refused = rise(&ctx, &says, &subjects, &black(), &settings(2, 4));
    assert!(matches!(refused, Err(SaliencyError::Shape { .. })), "a grey baseline for colour");

    let subjects = Subjects::new(&pictures, &[0]).unwrap();
    for wrong in [
        rise::Settings { masks: 0, ..settings(2, 4) },
        rise::Settings { grid: 0, ..settings(2, 4) },
        rise::Settings { batch: 0, ..settings(2, 4) },
        rise::Settings { keep: 0.0, ..settings(2, 4) },
        rise::Settings { keep: 1.5, ..settings(2, 4) },
        rise::Settings { keep: f64::NAN, ..settings(2, 4) },
    ] {
        let refused = rise(&ctx, &says, &subjects, &black(), &wrong);
        assert!(matches!(refused, Err(SaliencyError::Settings(_))), "{wrong:?}");
    }
    let broken = |images: &Images| -> Answer { Ok(vec![vec![f64::NAN]; images.shape[0]]) };
    let refused = rise(&ctx, broken, &subjects, &black(), &settings(2, 4));
    assert_eq!(refused.unwrap_err(), SaliencyError::NotFinite);
    let silent = |_: &Images| -> Answer { Ok(Vec::new()) };
    let refused = rise(&ctx, silent, &subjects, &black(), &settings(2, 4));
    assert_eq!(refused.unwrap_err(), SaliencyError::Device);

    let small = SaliencyMap::new(Explainer::GradCam, [2, 2], &[0.0, 1.0, 0.0, 0.0]).unwrap();
    let walk = |maps: &[SaliencyMap], steps: usize| {
        let settings = curves::Settings { steps, ..curves::Settings::default() };
        curves(&ctx, &says, &subjects, maps, &black(), &settings).unwrap_err()
    };
    assert!(matches!(walk(std::slice::from_ref(&small), 4), SaliencyError::Shape { .. }));
    assert!(matches!(walk(&[], 4), SaliencyError::Count { .. }));
    assert!(matches!(walk(std::slice::from_ref(&small), 0), SaliencyError::Settings(_)));
    assert!(matches!(paint(&pictures[0], &small, 0.5), Err(SaliencyError::Shape { .. })));
    assert!(matches!(
        SaliencyMap::new(Explainer::GradCam, [2, 2], &[1.0; 3]),
        Err(SaliencyError::Shape { .. })
    ));
    assert_eq!(
        SaliencyMap::new(Explainer::GradCam, [1, 2], &[1.0, f64::NAN]).unwrap_err(),
        SaliencyError::NotFinite
    );
}

// ------------------------------------------------------------------ pictures

/// CIE lightness of a colour, 0 to 100.
fn lightness(colour: [u8; 3]) -> f64 {
    let [r, g, b] = colour.map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    116.0 * (0.2126 * r + 0.7152 * g + 0.0722 * b).cbrt() - 16.0
}

#[test]
fn the_colours_grow_lighter_in_even_steps() {
    assert_eq!(colour(0.0), [0x44, 0x01, 0x54]);
    assert_eq!(colour(1.0), [0xfd, 0xe7, 0x25]);
    assert_eq!((colour(-3.0), colour(7.0)), (colour(0.0), colour(1.0)));
    assert_eq!(colour(0.0625), [0x46, 0x17, 0x68], "half way between two points of the table");
    let steps: Vec<f64> = (0..=16).map(|step| lightness(colour(f64::from(step) / 16.0))).collect();
    assert!(steps.windows(2).all(|pair| (3.0..7.0).contains(&(pair[1] - pair[0]))), "{steps:?}");
}

#[test]
fn a_painted_picture_mixes_grey_and_colour_and_keeps_its_size() {
    let picture = grey(2, |row, column| (100 * row + 50 * column) as u8).to_depth(Depth::Sixteen).to_colour();
    let map = SaliencyMap::new(Explainer::Rise { masks: 12 }, [2, 2], &[0.2, 0.6, 0.4, 0.2]).unwrap();
    assert!(apart(map.values(), &[0.0, 1.0, 0.5, 0.0]) < 1e-12);
    assert_eq!(map.caption(), "RISE, 12 masks: score 0.200 to 0.600");
    let bare = paint(&picture, &map, 0.0).unwrap();
    assert_eq!((bare.width, bare.height, bare.channels), (2, 2, 3));
    assert_eq!(bare.to_u8(), [0, 0, 0, 50, 50, 50, 100, 100, 100, 150, 150, 150]);
    let full = paint(&picture, &map, 1.0).unwrap().to_u8();
    assert_eq!(full[..6], [colour(0.0), colour(1.0)].concat());
    let half = paint(&picture, &map, 0.5).unwrap().to_u8();
    assert_eq!(half[3..6], colour(1.0).map(|channel| ((f64::from(channel) + 50.0) / 2.0).round() as u8));
}

#[test]
fn the_legend_and_the_file_say_what_the_colours_mean() {
    let picture = lit_corner();
    let map = SaliencyMap::new(Explainer::Rise { masks: 9 }, [SIDE, SIDE], &only(0, SIDE * SIDE)).unwrap();
    let painted = paint(&picture, &map, OPACITY).unwrap();
    let whole = with_legend(&painted);
    let (width, samples) = (whole.width as usize, whole.to_u8());
    assert!(width > SIDE && whole.height as usize == SIDE && samples.len() == width * SIDE * 3);
    assert_eq!(samples[(width - 1) * 3..width * 3], colour(1.0), "1 is above");
    assert_eq!(samples[samples.len() - 3..], colour(0.0), "0 is below");
    assert_eq!(samples[..SIDE * 3], painted.to_u8()[..SIDE * 3]);
    assert_eq!(samples[SIDE * 3..SIDE * 3 + 3], [255; 3], "a gap");
    let file = png(&painted, &map).unwrap();
    assert_eq!(file[..4], [0x89, b'P', b'N', b'G']);
    assert_eq!(file[16..20], (width as u32).to_be_bytes());
    for text in [map.caption().as_str(), "yellow 1"] {
        assert!(file.windows(text.len()).any(|part| part == text.as_bytes()), "{text} is not in the file");
    }
}
