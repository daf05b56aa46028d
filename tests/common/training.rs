//! Trainings as tests run them: what they tell is kept, and at a stage something is done to them.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use counterpoise::domain::task::{Ctx, Event, Level, Preview, Sink};
use counterpoise::imaging::training_set::TrainingSet;
use counterpoise::nn::ComputeDevice;
use counterpoise::oversampling::{
    Candidate, FitRequest, GenerateRequest, MethodError, Model, ParamMap, method,
};

/// A stage of the training, and what to do when it is reached.
pub type Act = (&'static str, fn(&Ctx));

/// Keeps every event, and acts on some.
#[derive(Default)]
pub struct Recorder {
    events: Mutex<Vec<Event>>,
    ctx: Mutex<Option<Ctx>>,
    /// Stage to act at, and what to do there.
    act: Option<Act>,
}

struct Shared(Arc<Recorder>);

impl Sink for Shared {
    fn event(&self, event: Event) {
        let Shared(recorder) = self;
        if let (Event::Progress { stage, .. }, Some((at, act))) = (&event, recorder.act)
            && stage.contains(at)
            && let Some(ctx) = recorder.ctx.lock().unwrap().as_ref()
        {
            act(ctx);
        }
        recorder.events.lock().unwrap().push(event);
    }
}

pub fn recorder(act: Option<Act>) -> (Arc<Recorder>, Ctx) {
    let recorder = Arc::new(Recorder { act, ..Default::default() });
    let ctx = Ctx::new(Shared(recorder.clone()));
    *recorder.ctx.lock().unwrap() = Some(ctx.clone());
    (recorder, ctx)
}

impl Recorder {
    /// The points of a curve, in order.
    pub fn curve(&self, name: &str) -> Vec<(f64, f64)> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter_map(|event| match event {
                Event::Metric { series, step, value } if series == name => Some((*step, *value)),
                _ => None,
            })
            .collect()
    }

    /// The times left that were told, with what comes on top of them.
    pub fn times(&self) -> Vec<(Option<Duration>, String)> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter_map(|event| match event {
                Event::TimeLeft { left, unmeasured } => Some((*left, unmeasured.clone())),
                _ => None,
            })
            .collect()
    }

    pub fn says(&self, level: Level, text: &str) -> bool {
        self.times_said(level, text) > 0
    }

    /// How many notes contain `text`.
    pub fn times_said(&self, level: Level, text: &str) -> usize {
        let events = self.events.lock().unwrap();
        let said = events.iter().filter(
            |event| matches!(event, Event::Note { level: l, text: t } if *l == level && t.contains(text)),
        );
        said.count()
    }

    /// The rows of pictures, in order.
    pub fn previews(&self) -> Vec<Preview> {
        let events = self.events.lock().unwrap();
        let rows = events.iter().filter_map(|event| match event {
            Event::Preview(preview) => Some(preview.clone()),
            _ => None,
        });
        rows.collect()
    }
}

pub fn params(pairs: &[(&str, serde_json::Value)]) -> ParamMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// Trains a method with seed 3 on the processor.
pub fn fit(
    id: &str,
    ctx: &Ctx,
    set: &TrainingSet,
    params: &ParamMap,
    checkpoint: Option<&Path>,
) -> Result<Box<dyn Model>, MethodError> {
    let device = ComputeDevice::cpu();
    let request =
        FitRequest { training: set, validation: None, params, seed: 3, device: &device, checkpoint };
    method(id).unwrap().fit(ctx, &request)
}

/// Candidates of the first slots of a class.
pub fn generate(
    model: &dyn Model,
    set: &TrainingSet,
    class: usize,
    params: &ParamMap,
    count: u32,
) -> Vec<Candidate> {
    let slots: Vec<u32> = (0..count).collect();
    let request = GenerateRequest { training: set, class, slots: &slots, attempt: 0, params, seed: 3 };
    let mut made = Vec::new();
    model
        .generate(&Ctx::default(), &request, &mut |candidate| {
            made.push(candidate);
            Ok(())
        })
        .unwrap();
    made
}

/// A training that is cancelled at one of `stages` and goes on ends in the model of one that never stopped, and tells
/// the same curves.
pub fn assert_goes_on(
    id: &str,
    set: &TrainingSet,
    params: &ParamMap,
    stages: &[&'static str],
    curves: &[&str],
) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, ctx) = recorder(None);
    let wanted = fit(id, &ctx, set, params, None).unwrap();
    for &stage in stages {
        let checkpoint = folder.path().join(stage);
        let (_, ctx) = recorder(Some((stage, Ctx::cancel)));
        match fit(id, &ctx, set, params, Some(&checkpoint)) {
            Err(MethodError::Cancelled) => {}
            Err(other) => panic!("{stage}: {other}"),
            Ok(_) => panic!("{stage}: not cancelled"),
        }
        assert!(checkpoint.exists(), "no checkpoint at {stage}");
        let (resumed, ctx) = recorder(None);
        let model = fit(id, &ctx, set, params, Some(&checkpoint)).unwrap();
        assert!(resumed.says(Level::Info, "going on"), "{stage}");
        for curve in curves {
            let (a, b) = (whole.curve(curve), resumed.curve(curve));
            assert!(!a.is_empty(), "{curve} is not told");
            assert_eq!(a.len(), b.len(), "{curve} after {stage}");
            assert!(
                a.iter().zip(&b).all(|(a, b)| (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-6),
                "{curve} after {stage}: {a:?} and {b:?}"
            );
        }
        assert_eq!(model.hash(), wanted.hash(), "another model after {stage}");
    }
}
