//! The system's file dialogs, each on a thread of its own; what was chosen comes back as a message.
//!
//! On Linux they need a desktop portal, which is often missing. The path box and dropping stand beside them
//! as equal ways in, and a dialog that never appeared is said once.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rfd::AsyncFileDialog;

use crate::export::WeightsFormat;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A folder of classes to open.
    Folder,
    /// A model file.
    Model,
    /// A weights file of MobileNet.
    Features,
    /// The folder in which the export makes its own.
    ExportPlace,
    /// An exported folder to verify.
    Verify,
    /// The place the source folder was moved to.
    Source,
    /// An exported folder to compare.
    ComparedFolder,
    /// A new file for the table of a comparison.
    Table,
    /// A new file for the report of a comparison.
    Report,
    /// A new file for a chart of a comparison.
    Chart,
    /// A new file for class weights.
    Weights(WeightsFormat),
    /// A new file for the feature map.
    FeatureMap,
    /// A new folder for maps of what classifiers look at.
    Maps,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Chosen(PathBuf),
    Nothing,
    /// No dialog can be shown here; a sentence that says what to do instead.
    Missing(String),
}

/// A dialog that ends this fast without a choice was never seen by anyone.
const NEVER_SEEN: Duration = Duration::from_millis(250);

/// What is true of every dialog that never appeared.
pub const NO_DIALOGS: &str =
    "No file dialog opens here (on Linux it needs a desktop portal such as xdg-desktop-portal).";

/// The same with what to do instead.
fn missing(ask: Ask) -> String {
    let instead = match ask {
        Ask::Folder => "Type the path of the folder instead, or drop the folder on the window.",
        Ask::Model => "Type the path of the model in Train instead, or drop the file on the window.",
        Ask::Features => "Type the path of the weights file in Train instead.",
        Ask::ExportPlace => "Type the path of the new folder in Export instead.",
        Ask::Verify => "Type the path of the exported folder in Export instead.",
        Ask::Source => "Type the path of the moved folder instead, or drop the folder on the window.",
        Ask::ComparedFolder => "Type the path of the exported folder in Evaluate instead.",
        Ask::Weights(_) => "Type the path of the new file in Plan instead, under the class weights.",
        Ask::Table | Ask::Report | Ask::Chart | Ask::FeatureMap => {
            "Type the path of the new file in Evaluate instead."
        }
        Ask::Maps => "Type the path of the new folder in Evaluate instead.",
    };
    format!("{NO_DIALOGS} {instead}")
}

/// Dialogs of one window.
pub struct Dialogs {
    send: Sender<(Ask, Answer)>,
    answers: Receiver<(Ask, Answer)>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Dialogs {
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (send, answers) = channel();
        Dialogs { send, answers, wake }
    }

    /// Opens a dialog. Its answer is among [`Dialogs::answers`] later.
    pub fn open(&self, ask: Ask) {
        let (send, wake) = (self.send.clone(), self.wake.clone());
        let work = move || {
            let begun = Instant::now();
            let chosen = block_on(show(ask));
            let answer = match chosen {
                Some(path) => Answer::Chosen(path),
                None if begun.elapsed() < NEVER_SEEN => Answer::Missing(missing(ask)),
                None => Answer::Nothing,
            };
            // A window that is gone wants no answer.
            send.send((ask, answer)).ok();
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("dialog".to_owned()).spawn(work) {
            let answer =
                Answer::Missing(format!("No file dialog could be started ({error}); type the path instead."));
            self.send.send((ask, answer)).ok();
        }
    }

    /// What was chosen since the last call.
    pub fn answers(&self) -> Vec<(Ask, Answer)> {
        self.answers.try_iter().collect()
    }
}

async fn show(ask: Ask) -> Option<PathBuf> {
    let dialog = AsyncFileDialog::new();
    let handle = match ask {
        Ask::Folder => dialog.set_title("Open a folder of classes").pick_folder().await,
        Ask::Model => {
            let dialog = dialog.set_title("Load a model").add_filter("Model", &["safetensors"]);
            dialog.pick_file().await
        }
        Ask::Features => {
            let dialog = dialog.set_title("Weights of MobileNet v1 1.0 224");
            dialog.add_filter("Weights", &["safetensors", "gz"]).pick_file().await
        }
        Ask::ExportPlace => dialog.set_title("Make the export in").pick_folder().await,
        Ask::Source => dialog.set_title("Find the images of this project").pick_folder().await,
        Ask::Verify => dialog.set_title("Verify an exported folder").pick_folder().await,
        Ask::ComparedFolder => dialog.set_title("Compare an exported folder").pick_folder().await,
        Ask::Table => {
            let dialog = dialog.set_title("Save the comparison as").set_file_name("comparison.csv");
            dialog.add_filter("All figures", &["csv"]).add_filter("A page", &["md"]).save_file().await
        }
        Ask::Report => {
            let dialog = dialog.set_title("Save the report as").set_file_name("comparison.html");
            dialog.add_filter("Report", &["html"]).save_file().await
        }
        Ask::Chart => {
            let dialog = dialog.set_title("Save the chart as").set_file_name("chart.png");
            dialog.add_filter("Picture", &["png"]).add_filter("Drawing", &["svg"]).save_file().await
        }
        Ask::Weights(format) => {
            let (kind, end) = match format {
                WeightsFormat::Json => ("JSON", "json"),
                WeightsFormat::Keras | WeightsFormat::Torch | WeightsFormat::Sklearn => ("Python", "py"),
                WeightsFormat::Csv => ("Table", "csv"),
            };
            let dialog = dialog.set_title("Save the class weights as");
            dialog.set_file_name(format!("class_weights.{end}")).add_filter(kind, &[end]).save_file().await
        }
        Ask::Maps => {
            let dialog = dialog.set_title("Save the maps into a new folder").set_file_name("maps");
            dialog.save_file().await
        }
        Ask::FeatureMap => {
            let dialog = dialog.set_title("Save the feature map as").set_file_name("features.png");
            dialog.add_filter("Picture", &["png"]).add_filter("Drawing", &["svg"]).save_file().await
        }
    };
    handle.map(|handle| handle.path().to_path_buf())
}

/// Wakes the thread that waits for the dialog.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
