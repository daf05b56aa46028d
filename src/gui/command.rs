//! What a person may ask for: [`Command`], the flat list that menus, the palette, shortcuts and the key sheet
//! are generated from, and [`Action`], which carries data and is what views push.

use std::path::PathBuf;

use egui::{Event, Key, KeyboardShortcut, Modifiers};

use super::state::{BUSY, Confirm, DIALOG, JobKind, Sheet, Source, State, ThemeChoice, Workspace};
use super::views::evaluate::{why_no_comparison, why_no_map};
use super::views::export::why_not;
use super::views::plan::why_no_weights;
use super::views::train::{why_no_candidates, why_no_training};
use crate::domain::classes::ClassId;
use crate::domain::decisions::Decision;
use crate::domain::splits::Shares;
use crate::domain::task::Level;

/// What views ask the app to do.
#[derive(Clone, Debug)]
pub enum Action {
    Do(Command),
    /// A folder of classes, a CSV, or a project folder.
    Open(PathBuf),
    /// Unpack the bundled images and open them.
    OpenExample,
    /// Take a project off the list of recent ones; nothing is deleted.
    ForgetRecent(PathBuf),
    /// The source folder of the open project moved here.
    RelocateSource(PathBuf),
    /// Positions in `dataset.samples`.
    Relabel(Vec<usize>, ClassId),
    Exclude(Vec<usize>, bool),
    /// Cut validation and test parts off.
    CutSplits(Shares),
    /// Show the proposal to cut parts off again.
    OfferSplits,
    /// `project.settings` was edited in place: recompute the plan and save.
    SettingsChanged,
    /// Train with the settings; `resume` goes on from the checkpoint, else an old one is dropped.
    Train {
        resume: bool,
    },
    /// Read a model file and use it if it fits the project.
    LoadModel(PathBuf),
    /// Generate without the loaded model.
    ForgetModel,
    /// Read a weights file and measure made images on its features too.
    UseFeatures(PathBuf),
    /// Measure made images on the judge's features alone.
    ForgetFeatures,
    PauseJob(JobKind, bool),
    CancelJob(JobKind),
    StopAndKeep(JobKind),
    /// Candidate ids; one undo step.
    Decide(Vec<i64>, Decision),
    /// Compute what an export with the form's settings would write.
    PlanExport,
    Export,
    Verify(PathBuf),
    /// Write the comparison that is shown, or a chart of it, to a new file: the end of the name says which.
    SaveTable(PathBuf),
    /// Write the class weights chosen in Plan to a new file.
    SaveWeights(PathBuf),
    /// Take a treatment that waits off the comparison that runs, by its name.
    LeaveOut(String),
    /// Write the points of the feature map that are shown to a new file.
    SaveFeatures(PathBuf),
    /// Write the maps that are shown into a new folder.
    SaveMaps(PathBuf),
    /// Look which test images the comparison that is shown can be asked about.
    ListTestImages,
    /// Make maps of what is chosen there.
    ShowMaps,
    /// Put a text on the clipboard.
    Copy(String),
    Notify(Level, String),
    Ask(Box<Confirm>),
    /// Close the window though work runs.
    QuitNow,
    /// Close the project though work runs.
    CloseNow,
    /// Make candidates though decided ones are there.
    GenerateNow,
    /// Close a toast, by its place in the log.
    Dismiss(usize),
    OpenSheet(Sheet),
    CloseSheet,
    SetTheme(ThemeChoice),
    /// Scale of the whole window, 1.0 to 2.0.
    SetZoom(f32),
}

/// Where a command works and where it is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    Project,
    Edit,
    Data,
    Train,
    Review,
    Export,
    Evaluate,
    View,
    Help,
}

impl Menu {
    pub const ALL: [Menu; 9] = [
        Menu::Project,
        Menu::Edit,
        Menu::Data,
        Menu::Train,
        Menu::Review,
        Menu::Export,
        Menu::Evaluate,
        Menu::View,
        Menu::Help,
    ];

    pub const fn text(self) -> &'static str {
        match self {
            Menu::Project => "Project",
            Menu::Edit => "Edit",
            Menu::Data => "Data",
            Menu::Train => "Train",
            Menu::Review => "Review",
            Menu::Export => "Export",
            Menu::Evaluate => "Evaluate",
            Menu::View => "View",
            Menu::Help => "Help",
        }
    }
}

/// One thing a person may ask for, without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    OpenFolder,
    OpenPath,
    OpenExample,
    ReadAgain,
    FindImages,
    CloseProject,
    Quit,
    Undo,
    Redo,
    SelectAll,
    ClearSelection,
    GoData,
    GoPlan,
    GoTrain,
    GoReview,
    GoExport,
    GoEvaluate,
    ToggleExcluded,
    FindFile,
    ShowFiles,
    StartTraining,
    ResumeTraining,
    PauseJob,
    StopAndKeep,
    CancelJob,
    LoadModel,
    ChooseFeatures,
    Generate,
    Accept,
    Reject,
    Undecide,
    AcceptShown,
    RejectShown,
    NextUndecided,
    LargeView,
    Overlay,
    Blind,
    PictureLarger,
    PictureSmaller,
    PictureFit,
    ChooseExportFolder,
    TypeExportFolder,
    Export,
    VerifyFolder,
    SaveWeights,
    Evaluate,
    TimeSteps,
    AddFolder,
    SaveTable,
    SaveReport,
    SaveChart,
    DrawFeatures,
    SaveFeatures,
    SaveMaps,
    TilesLarger,
    TilesSmaller,
    LogScale,
    AllClasses,
    NextRegion,
    PreviousRegion,
    ThemeSystem,
    ThemeLight,
    ThemeDark,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    Palette,
    Settings,
    Keys,
    Log,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL, key)
}

impl Command {
    /// In the order of the menus.
    pub const ALL: [Command; 70] = [
        Command::OpenFolder,
        Command::OpenPath,
        Command::OpenExample,
        Command::ReadAgain,
        Command::FindImages,
        Command::CloseProject,
        Command::Quit,
        Command::Undo,
        Command::Redo,
        Command::SelectAll,
        Command::ClearSelection,
        Command::GoData,
        Command::GoPlan,
        Command::GoTrain,
        Command::GoReview,
        Command::GoExport,
        Command::GoEvaluate,
        Command::ToggleExcluded,
        Command::FindFile,
        Command::ShowFiles,
        Command::StartTraining,
        Command::ResumeTraining,
        Command::LoadModel,
        Command::ChooseFeatures,
        Command::Generate,
        Command::PauseJob,
        Command::StopAndKeep,
        Command::CancelJob,
        Command::Accept,
        Command::Reject,
        Command::Undecide,
        Command::AcceptShown,
        Command::RejectShown,
        Command::NextUndecided,
        Command::LargeView,
        Command::Overlay,
        Command::Blind,
        Command::PictureLarger,
        Command::PictureSmaller,
        Command::PictureFit,
        Command::ChooseExportFolder,
        Command::TypeExportFolder,
        Command::Export,
        Command::VerifyFolder,
        Command::SaveWeights,
        Command::Evaluate,
        Command::TimeSteps,
        Command::AddFolder,
        Command::SaveTable,
        Command::SaveReport,
        Command::SaveChart,
        Command::DrawFeatures,
        Command::SaveFeatures,
        Command::SaveMaps,
        Command::TilesLarger,
        Command::TilesSmaller,
        Command::LogScale,
        Command::AllClasses,
        Command::NextRegion,
        Command::PreviousRegion,
        Command::ThemeSystem,
        Command::ThemeLight,
        Command::ThemeDark,
        Command::ZoomIn,
        Command::ZoomOut,
        Command::ZoomReset,
        Command::Palette,
        Command::Settings,
        Command::Keys,
        Command::Log,
    ];

    /// Name in menus and the palette; an ellipsis where more is asked.
    pub const fn text(self) -> &'static str {
        self.words().0
    }

    /// One sentence about what it does, without a period.
    pub const fn tooltip(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Command::OpenFolder => ("Open folder…", "Choose a folder with one subfolder per class"),
            Command::OpenPath => ("Open path…", "Type the path of a folder, a CSV or a project"),
            Command::OpenExample => {
                ("Open the example", "A small imbalanced set of real images that comes along")
            }
            Command::ReadAgain => ("Read the folder again", "Look for files that were added or changed"),
            Command::FindImages => ("Find the images…", "Say where the source folder was moved to"),
            Command::CloseProject => ("Close the project", "Back to the start; everything is saved"),
            Command::Quit => ("Quit", "Close the window; decisions are saved as they are taken"),
            Command::Undo => ("Undo", "Take the last decision or edit back, also one from an earlier day"),
            Command::Redo => ("Redo", "Do again what was undone"),
            Command::SelectAll => {
                ("Select all shown", "Select every image or candidate that the filter shows")
            }
            Command::ClearSelection => ("Clear the selection", "Select nothing"),
            Command::GoData => ("Data", "See the images, correct labels, exclude images"),
            Command::GoPlan => ("Plan", "Choose how many images each class should have"),
            Command::GoTrain => ("Train", "Train or load a model that makes images"),
            Command::GoReview => ("Review", "Look at every candidate and decide"),
            Command::GoExport => ("Export", "Write the balanced folder and prove it"),
            Command::GoEvaluate => ("Evaluate", "Compare treatments on real images"),
            Command::ToggleExcluded => {
                ("Exclude or take back", "Leave the selected images out; the files stay")
            }
            Command::FindFile => ("Find a file", "Show only images whose path contains a text"),
            Command::ShowFiles => {
                ("Unreadable files and notes…", "What could not be read, and what was done to pixels")
            }
            Command::StartTraining => ("Train a model", "Train with the settings of the form"),
            Command::ResumeTraining => ("Resume training", "Go on from the last checkpoint"),
            Command::LoadModel => ("Load a model…", "Use a model file that was trained before"),
            Command::ChooseFeatures => (
                "Feature weights…",
                "Also measure how far made images are from real ones on features of MobileNet v1",
            ),
            Command::Generate => ("Make candidates", "Make the images that the plan wants, for you to judge"),
            Command::PauseJob => ("Pause or go on", "Hold the current job; nothing is lost"),
            Command::StopAndKeep => {
                ("Stop and keep", "End the current job at the next good point and keep its result")
            }
            Command::CancelJob => ("Cancel the job", "End the current job within one step"),
            Command::Accept => ("Accept", "Accept the selected candidates"),
            Command::Reject => ("Reject", "Reject the selected candidates"),
            Command::Undecide => ("Leave undecided", "Take the decision on the selected candidates back"),
            Command::AcceptShown => ("Accept all shown…", "Accept every candidate that the filter shows"),
            Command::RejectShown => ("Reject all shown…", "Reject every candidate that the filter shows"),
            Command::NextUndecided => ("Next undecided", "Go to the next candidate without a decision"),
            Command::LargeView => ("Large view", "Seed image, candidate and difference side by side"),
            Command::Overlay => ("Overlay", "Show or hide probabilities on the candidates"),
            Command::Blind => ("Blind mode", "Hide what the method thinks until you have decided"),
            Command::PictureLarger => ("Magnify the pictures", "In the large view, all three together"),
            Command::PictureSmaller => ("Shrink the pictures", "In the large view, all three together"),
            Command::PictureFit => ("Fit the pictures", "In the large view, all three together"),
            Command::ChooseExportFolder => {
                ("Choose the export folder…", "Choose where the new folder is made")
            }
            Command::TypeExportFolder => ("Type the export folder", "Go to the path box of the new folder"),
            Command::Export => {
                ("Export the folder", "Write the balanced folder; an existing folder is never touched")
            }
            Command::VerifyFolder => ("Verify a folder…", "Prove an exported folder against its manifest"),
            Command::SaveWeights => (
                "Save class weights…",
                "Write the weights chosen in Plan to a new file, for a program that trains",
            ),
            Command::Evaluate => {
                ("Compare the treatments", "Train a classifier under each and measure it on real images")
            }
            Command::TimeSteps => ("Time a few steps", "See how long a comparison would take"),
            Command::AddFolder => ("Add an exported folder…", "Compare a folder that was exported before"),
            Command::SaveTable => ("Save the table…", "Write the comparison to a new CSV or Markdown file"),
            Command::SaveReport => (
                "Save the report…",
                "Write the comparison, its charts and the maps shown of it to a new HTML file",
            ),
            Command::SaveChart => ("Save the chart…", "Write the chosen chart to a new PNG or SVG file"),
            Command::DrawFeatures => {
                ("Draw the feature map", "Every image as a point, where classifier g of the model sees it")
            }
            Command::SaveFeatures => {
                ("Save the feature map…", "Write the points that are shown to a new PNG or SVG file")
            }
            Command::SaveMaps => (
                "Save the maps…",
                "Write what classifiers look at into a new folder, a PNG file for each map",
            ),
            Command::TilesLarger => ("Larger tiles", "Fewer images in a row"),
            Command::TilesSmaller => ("Smaller tiles", "More images in a row"),
            Command::LogScale => ("Logarithmic histogram", "Make small classes visible beside large ones"),
            Command::AllClasses => ("Show all classes", "Take the class filter off"),
            Command::NextRegion => ("Next region", "Take the keyboard to the next part of the window"),
            Command::PreviousRegion => ("Previous region", "Take the keyboard to the part before"),
            Command::ThemeSystem => ("Theme: follow the system", "Light or dark as the system has it"),
            Command::ThemeLight => ("Theme: light", "Dark text on light ground"),
            Command::ThemeDark => ("Theme: dark", "Light text on dark ground, as in a reading room"),
            Command::ZoomIn => ("Scale up", "Everything larger, up to 200 %"),
            Command::ZoomOut => ("Scale down", "Everything smaller, down to 100 %"),
            Command::ZoomReset => ("Scale 100 %", "The usual size"),
            Command::Palette => ("Command palette…", "Find a command by its name"),
            Command::Settings => ("Settings…", "Theme, scale, training device"),
            Command::Keys => ("All keys", "The list of keyboard shortcuts"),
            Command::Log => ("Messages", "Everything the program said"),
        }
    }

    /// The first one is shown.
    pub fn shortcuts(self) -> &'static [KeyboardShortcut] {
        const OPEN: &[KeyboardShortcut] = &[ctrl(Key::O)];
        const OPEN_PATH: &[KeyboardShortcut] = &[KeyboardShortcut::new(CTRL_SHIFT, Key::O)];
        const AGAIN: &[KeyboardShortcut] = &[plain(Key::F5)];
        const CLOSE: &[KeyboardShortcut] = &[ctrl(Key::W)];
        const QUIT: &[KeyboardShortcut] = &[ctrl(Key::Q)];
        const UNDO: &[KeyboardShortcut] = &[ctrl(Key::Z)];
        const REDO: &[KeyboardShortcut] = &[KeyboardShortcut::new(CTRL_SHIFT, Key::Z), ctrl(Key::Y)];
        const ALL: &[KeyboardShortcut] = &[ctrl(Key::A)];
        const CLEAR: &[KeyboardShortcut] = &[plain(Key::Escape)];
        const DATA: &[KeyboardShortcut] = &[ctrl(Key::Num1)];
        const PLAN: &[KeyboardShortcut] = &[ctrl(Key::Num2)];
        const TRAIN: &[KeyboardShortcut] = &[ctrl(Key::Num3)];
        const REVIEW: &[KeyboardShortcut] = &[ctrl(Key::Num4)];
        const EXPORT: &[KeyboardShortcut] = &[ctrl(Key::Num5)];
        const EVALUATE: &[KeyboardShortcut] = &[ctrl(Key::Num6)];
        const EXCLUDE: &[KeyboardShortcut] = &[plain(Key::E)];
        const FIND: &[KeyboardShortcut] = &[ctrl(Key::F)];
        const START: &[KeyboardShortcut] = &[ctrl(Key::T)];
        const LOAD: &[KeyboardShortcut] = &[ctrl(Key::L)];
        const GENERATE: &[KeyboardShortcut] = &[ctrl(Key::G)];
        const PAUSE: &[KeyboardShortcut] = &[ctrl(Key::P)];
        const ACCEPT: &[KeyboardShortcut] = &[plain(Key::A)];
        const REJECT: &[KeyboardShortcut] = &[plain(Key::X)];
        const UNDECIDE: &[KeyboardShortcut] = &[plain(Key::U)];
        const NEXT: &[KeyboardShortcut] = &[plain(Key::N)];
        const LARGE: &[KeyboardShortcut] = &[plain(Key::Enter), plain(Key::Space)];
        const OVERLAY: &[KeyboardShortcut] = &[plain(Key::O)];
        const BLIND: &[KeyboardShortcut] = &[plain(Key::B)];
        const LARGER: &[KeyboardShortcut] = &[plain(Key::Plus), plain(Key::Equals)];
        const SMALLER: &[KeyboardShortcut] = &[plain(Key::Minus)];
        const FIT: &[KeyboardShortcut] = &[plain(Key::Num0)];
        const FOLDER: &[KeyboardShortcut] = &[KeyboardShortcut::new(CTRL_SHIFT, Key::E)];
        const WRITE: &[KeyboardShortcut] = &[ctrl(Key::E)];
        const COMPARE: &[KeyboardShortcut] = &[ctrl(Key::R)];
        const TILES_UP: &[KeyboardShortcut] = &[ctrl(Key::CloseBracket)];
        const TILES_DOWN: &[KeyboardShortcut] = &[ctrl(Key::OpenBracket)];
        const LOG: &[KeyboardShortcut] = &[plain(Key::L)];
        const EVERY: &[KeyboardShortcut] = &[plain(Key::Backspace)];
        const REGION: &[KeyboardShortcut] = &[plain(Key::F6)];
        const REGION_BACK: &[KeyboardShortcut] = &[KeyboardShortcut::new(Modifiers::SHIFT, Key::F6)];
        const IN: &[KeyboardShortcut] = &[ctrl(Key::Plus), ctrl(Key::Equals)];
        const OUT: &[KeyboardShortcut] = &[ctrl(Key::Minus)];
        const RESET: &[KeyboardShortcut] = &[ctrl(Key::Num0)];
        const PALETTE: &[KeyboardShortcut] = &[ctrl(Key::K)];
        const SETTINGS: &[KeyboardShortcut] = &[ctrl(Key::Comma)];
        const KEYS: &[KeyboardShortcut] = &[plain(Key::F1), plain(Key::Questionmark)];
        match self {
            Command::OpenFolder => OPEN,
            Command::OpenPath => OPEN_PATH,
            Command::ReadAgain => AGAIN,
            Command::CloseProject => CLOSE,
            Command::Quit => QUIT,
            Command::Undo => UNDO,
            Command::Redo => REDO,
            Command::SelectAll => ALL,
            Command::ClearSelection => CLEAR,
            Command::GoData => DATA,
            Command::GoPlan => PLAN,
            Command::GoTrain => TRAIN,
            Command::GoReview => REVIEW,
            Command::GoExport => EXPORT,
            Command::GoEvaluate => EVALUATE,
            Command::ToggleExcluded => EXCLUDE,
            Command::FindFile => FIND,
            Command::StartTraining => START,
            Command::LoadModel => LOAD,
            Command::Generate => GENERATE,
            Command::PauseJob => PAUSE,
            Command::Accept => ACCEPT,
            Command::Reject => REJECT,
            Command::Undecide => UNDECIDE,
            Command::NextUndecided => NEXT,
            Command::LargeView => LARGE,
            Command::Overlay => OVERLAY,
            Command::Blind => BLIND,
            Command::PictureLarger => LARGER,
            Command::PictureSmaller => SMALLER,
            Command::PictureFit => FIT,
            Command::TypeExportFolder => FOLDER,
            Command::Export => WRITE,
            Command::Evaluate => COMPARE,
            Command::TilesLarger => TILES_UP,
            Command::TilesSmaller => TILES_DOWN,
            Command::LogScale => LOG,
            Command::AllClasses => EVERY,
            Command::NextRegion => REGION,
            Command::PreviousRegion => REGION_BACK,
            Command::ZoomIn => IN,
            Command::ZoomOut => OUT,
            Command::ZoomReset => RESET,
            Command::Palette => PALETTE,
            Command::Settings => SETTINGS,
            Command::Keys => KEYS,
            _ => &[],
        }
    }

    pub const fn menu(self) -> Menu {
        match self {
            Command::OpenFolder
            | Command::OpenPath
            | Command::OpenExample
            | Command::ReadAgain
            | Command::FindImages
            | Command::CloseProject
            | Command::Quit => Menu::Project,
            Command::Undo | Command::Redo | Command::SelectAll | Command::ClearSelection => Menu::Edit,
            Command::ToggleExcluded | Command::FindFile | Command::ShowFiles => Menu::Data,
            Command::StartTraining
            | Command::ResumeTraining
            | Command::LoadModel
            | Command::ChooseFeatures
            | Command::Generate
            | Command::PauseJob
            | Command::StopAndKeep
            | Command::CancelJob => Menu::Train,
            Command::Accept
            | Command::Reject
            | Command::Undecide
            | Command::AcceptShown
            | Command::RejectShown
            | Command::NextUndecided
            | Command::LargeView
            | Command::Overlay
            | Command::Blind
            | Command::PictureLarger
            | Command::PictureSmaller
            | Command::PictureFit => Menu::Review,
            Command::ChooseExportFolder
            | Command::TypeExportFolder
            | Command::Export
            | Command::VerifyFolder
            | Command::SaveWeights => Menu::Export,
            Command::Evaluate
            | Command::TimeSteps
            | Command::AddFolder
            | Command::SaveTable
            | Command::SaveReport
            | Command::SaveChart
            | Command::DrawFeatures
            | Command::SaveFeatures
            | Command::SaveMaps => Menu::Evaluate,
            Command::GoData
            | Command::GoPlan
            | Command::GoTrain
            | Command::GoReview
            | Command::GoExport
            | Command::GoEvaluate
            | Command::TilesLarger
            | Command::TilesSmaller
            | Command::LogScale
            | Command::AllClasses
            | Command::NextRegion
            | Command::PreviousRegion
            | Command::ThemeSystem
            | Command::ThemeLight
            | Command::ThemeDark
            | Command::ZoomIn
            | Command::ZoomOut
            | Command::ZoomReset => Menu::View,
            Command::Palette | Command::Settings | Command::Keys | Command::Log => Menu::Help,
        }
    }

    /// True where the command can run now; a shortcut that cannot run is left to the focused widget.
    pub fn enabled(self, state: &State) -> bool {
        let open = state.project.is_some();
        let in_gallery = open && state.workspace == Workspace::Data;
        let in_review = open && state.workspace == Workspace::Review;
        let candidates = state.project.as_ref().is_some_and(|p| !p.candidates.is_empty());
        let training = state.running(JobKind::Train).is_some();
        let making = state.making().is_some();
        match self {
            Command::OpenFolder => !state.dialog_open,
            Command::OpenPath
            | Command::OpenExample
            | Command::Quit
            | Command::NextRegion
            | Command::PreviousRegion
            | Command::ThemeSystem
            | Command::ThemeLight
            | Command::ThemeDark
            | Command::ZoomReset
            | Command::Palette
            | Command::Settings
            | Command::Keys
            | Command::Log
            | Command::LogScale => true,
            Command::VerifyFolder => !state.dialog_open && state.running(JobKind::Verify).is_none(),
            Command::SaveWeights => open && !state.dialog_open && why_no_weights(state).is_none(),
            Command::ReadAgain => state.can_edit() && state.running(JobKind::Scan).is_none(),
            Command::FindImages => open && !state.dialog_open,
            Command::CloseProject => open || matches!(state.source, Source::Failed { .. }),
            Command::GoData
            | Command::GoPlan
            | Command::GoTrain
            | Command::GoReview
            | Command::GoExport
            | Command::GoEvaluate
            | Command::ShowFiles => open,
            Command::Undo => state.can_edit() && state.project.as_ref().is_some_and(|p| p.can_undo.is_some()),
            Command::Redo => state.can_edit() && state.project.as_ref().is_some_and(|p| p.can_redo.is_some()),
            Command::SelectAll | Command::TilesLarger | Command::TilesSmaller => in_gallery || in_review,
            Command::ClearSelection => {
                (in_gallery && !state.data.tiles.selected.is_empty())
                    || (in_review && (state.review.large || !state.review.tiles.selected.is_empty()))
            }
            Command::ToggleExcluded => in_gallery && state.can_edit() && state.data.tiles.has_targets(),
            Command::FindFile => in_gallery,
            Command::StartTraining => state.can_edit() && !making && why_no_training(state).is_none(),
            Command::ResumeTraining => {
                let kept = state.train.checkpoint.is_some();
                state.can_edit() && !making && kept && why_no_training(state).is_none()
            }
            Command::LoadModel => state.can_edit() && !state.dialog_open && !training,
            Command::ChooseFeatures => state.can_edit() && !state.dialog_open && !making,
            Command::Generate => state.can_edit() && !making && why_no_candidates(state).is_none(),
            Command::PauseJob => making,
            // Maps that rest on other masks do not stand side by side: there are all of them or none.
            Command::StopAndKeep => state.making().is_some_and(|kind| kind != JobKind::Looks),
            Command::CancelJob => state.current_job().is_some(),
            Command::Accept | Command::Reject | Command::Undecide => {
                in_review && state.can_edit() && state.review.tiles.has_targets()
            }
            Command::AcceptShown | Command::RejectShown => {
                // What is shown is about to be something else while an order is on its way.
                let settled = !state.review.is_waiting() && !state.review.tiles.order.is_empty();
                in_review && state.can_edit() && settled
            }
            Command::NextUndecided => {
                in_review && state.project.as_ref().is_some_and(|p| p.figures.undecided > 0)
            }
            Command::LargeView => in_review && state.review.tiles.cursor.is_some(),
            Command::Overlay | Command::Blind => in_review && candidates,
            Command::PictureLarger | Command::PictureSmaller | Command::PictureFit => {
                in_review && state.review.tiles.cursor.is_some()
            }
            Command::ChooseExportFolder => open && !state.dialog_open,
            Command::TypeExportFolder => open && state.running(JobKind::Export).is_none(),
            Command::Export => open && state.workspace == Workspace::Export && why_not(state).is_none(),
            Command::Evaluate => {
                let here = state.workspace == Workspace::Evaluate;
                here && state.can_edit() && !making && why_no_comparison(state).is_none()
            }
            Command::TimeSteps => {
                let timing = state.running(JobKind::TimeSteps).is_some();
                open && !making && !timing && why_no_comparison(state).is_none()
            }
            Command::AddFolder => open && !state.dialog_open && state.running(JobKind::Evaluate).is_none(),
            Command::SaveTable | Command::SaveReport | Command::SaveChart => {
                let shown = state.project.as_ref().and_then(|project| state.evaluate.shown(project));
                !state.dialog_open && shown.is_some()
            }
            Command::DrawFeatures => open && !making && why_no_map(state).is_none(),
            Command::SaveFeatures => open && !state.dialog_open && state.evaluate.features.map.is_some(),
            Command::SaveMaps => open && !state.dialog_open && state.evaluate.looks.maps.full().is_some(),
            Command::AllClasses => state.class_filter.is_some(),
            Command::ZoomIn => state.zoom < 1.99,
            Command::ZoomOut => state.zoom > 1.01,
        }
    }

    /// Why the command cannot run now, a sentence; `None` where it can.
    pub fn why_disabled(self, state: &State) -> Option<String> {
        if self.enabled(state) {
            return None;
        }
        let only_in = |places: &str| format!("This works in {places}.");
        let making = state.making().is_some();
        let edits = matches!(
            self,
            Command::ReadAgain
                | Command::Undo
                | Command::Redo
                | Command::ToggleExcluded
                | Command::StartTraining
                | Command::ResumeTraining
                | Command::LoadModel
                | Command::ChooseFeatures
                | Command::Generate
                | Command::Evaluate
                | Command::Accept
                | Command::Reject
                | Command::Undecide
                | Command::AcceptShown
                | Command::RejectShown
        );
        let dialog = matches!(
            self,
            Command::OpenFolder
                | Command::FindImages
                | Command::LoadModel
                | Command::ChooseFeatures
                | Command::ChooseExportFolder
                | Command::VerifyFolder
                | Command::SaveWeights
                | Command::AddFolder
                | Command::SaveTable
                | Command::SaveReport
                | Command::SaveChart
                | Command::SaveFeatures
                | Command::SaveMaps
        );
        if dialog && state.dialog_open {
            return Some(DIALOG.to_owned());
        }
        let words = match self {
            Command::VerifyFolder => "A folder is being verified.".to_owned(),
            Command::StopAndKeep if making => {
                "Maps are kept whole or not at all; wait for them or cancel.".to_owned()
            }
            Command::PauseJob | Command::StopAndKeep => {
                "No training, no making of candidates or maps, no feature map and no comparison runs."
                    .to_owned()
            }
            Command::CancelJob => "Nothing runs.".to_owned(),
            Command::AllClasses => "All classes are shown.".to_owned(),
            Command::ZoomIn => "This is the largest scale.".to_owned(),
            Command::ZoomOut => "This is the smallest scale.".to_owned(),
            _ if state.project.is_none() => "Open a folder first.".to_owned(),
            _ if edits && !state.can_edit() => state.why_read_only()?,
            Command::ReadAgain => "The folder is being read.".to_owned(),
            Command::Undo => "There is nothing to undo.".to_owned(),
            Command::Redo => "There is nothing to do again.".to_owned(),
            Command::StartTraining
            | Command::ResumeTraining
            | Command::LoadModel
            | Command::ChooseFeatures
            | Command::Generate
            | Command::Evaluate
            | Command::TimeSteps
            | Command::DrawFeatures
                if making =>
            {
                BUSY.to_owned()
            }
            Command::TimeSteps if state.running(JobKind::TimeSteps).is_some() => {
                "The steps are being timed.".to_owned()
            }
            Command::Evaluate if state.workspace != Workspace::Evaluate => only_in("Evaluate"),
            Command::Evaluate | Command::TimeSteps => why_no_comparison(state)?,
            Command::DrawFeatures => why_no_map(state)?,
            Command::SaveWeights => why_no_weights(state)?,
            Command::SaveFeatures => "There is no feature map to save.".to_owned(),
            Command::SaveMaps => "There are no maps to save.".to_owned(),
            Command::AddFolder => "A comparison runs; wait for it or stop it.".to_owned(),
            Command::SaveTable | Command::SaveReport | Command::SaveChart => {
                "There is no comparison to save.".to_owned()
            }
            Command::ResumeTraining if state.train.checkpoint.is_none() => {
                "No training was interrupted.".to_owned()
            }
            Command::StartTraining | Command::ResumeTraining => why_no_training(state)?,
            Command::Generate => why_no_candidates(state)?,
            Command::TypeExportFolder => "An export is running.".to_owned(),
            Command::Export if state.workspace == Workspace::Export => why_not(state)?,
            Command::Export => only_in("Export"),
            Command::FindFile => only_in("Data"),
            Command::SelectAll | Command::TilesLarger | Command::TilesSmaller => {
                only_in("Data and in Review")
            }
            Command::ClearSelection => "Nothing is selected.".to_owned(),
            Command::ToggleExcluded if state.workspace != Workspace::Data => only_in("Data"),
            Command::ToggleExcluded => "Choose an image first.".to_owned(),
            _ if self.menu() == Menu::Review && state.workspace != Workspace::Review => only_in("Review"),
            Command::AcceptShown | Command::RejectShown if state.review.is_waiting() => {
                "The candidates are being put in order; wait a moment.".to_owned()
            }
            Command::NextUndecided => "No candidate is undecided.".to_owned(),
            _ if self.menu() == Menu::Review => "There is no candidate to do this with.".to_owned(),
            _ => "This cannot be done now.".to_owned(),
        };
        Some(words)
    }

    /// The workspace a command goes to.
    pub const fn workspace(self) -> Option<Workspace> {
        match self {
            Command::GoData => Some(Workspace::Data),
            Command::GoPlan => Some(Workspace::Plan),
            Command::GoTrain => Some(Workspace::Train),
            Command::GoReview => Some(Workspace::Review),
            Command::GoExport => Some(Workspace::Export),
            Command::GoEvaluate => Some(Workspace::Evaluate),
            _ => None,
        }
    }

    /// The command that goes to a workspace.
    pub const fn go(workspace: Workspace) -> Self {
        match workspace {
            Workspace::Data => Command::GoData,
            Workspace::Plan => Command::GoPlan,
            Workspace::Train => Command::GoTrain,
            Workspace::Review => Command::GoReview,
            Workspace::Export => Command::GoExport,
            Workspace::Evaluate => Command::GoEvaluate,
        }
    }

    /// The shown shortcut as words, for example `Ctrl+O`; empty where there is none.
    pub fn keys(self, ctx: &egui::Context) -> String {
        self.shortcuts().first().map(|s| shortcut_words(ctx, s)).unwrap_or_default()
    }

    /// All shortcuts as words.
    pub fn all_keys(self, ctx: &egui::Context) -> Vec<String> {
        self.shortcuts().iter().map(|s| shortcut_words(ctx, s)).collect()
    }

    /// Name and shortcut, for tooltips.
    pub fn hint(self, ctx: &egui::Context) -> String {
        let keys = self.keys(ctx);
        if keys.is_empty() { self.tooltip().to_owned() } else { format!("{} ({keys})", self.tooltip()) }
    }
}

/// A shortcut as it stands on the keys: signs as signs, not by their names.
fn shortcut_words(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let words = ctx.format_shortcut(shortcut);
    let name = shortcut.logical_key.name();
    let sign = match shortcut.logical_key {
        Key::Questionmark => "?",
        Key::Plus => "+",
        Key::Minus => "-",
        Key::Equals => "=",
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Comma => ",",
        Key::Escape => "Esc",
        _ => return words,
    };
    words.strip_suffix(name).map_or_else(|| words.clone(), |before| format!("{before}{sign}"))
}

/// Takes the shortcuts of this frame that can run and are `allowed` (a sheet lets few through): each press on
/// its own, in the order of the presses, so that none is lost in a slow frame.
///
/// What types or edits text is left alone while a text box has the keyboard, and what presses a button
/// (Enter, Space) while any widget has it.
pub fn take_shortcuts(ctx: &egui::Context, state: &State, allowed: impl Fn(Command) -> bool) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    let focused = ctx.memory(|memory| memory.focused().is_some());
    let edits = |s: &KeyboardShortcut| {
        s.conflicts_with_text_editing() || matches!(s.logical_key, Key::A | Key::Z | Key::Y)
    };
    let presses = |s: &KeyboardShortcut| matches!(s.logical_key, Key::Enter | Key::Space);
    let mut bound: Vec<(Command, KeyboardShortcut)> = Vec::new();
    // Those with shift first: a pressed shift does not keep Ctrl+Z from matching Ctrl+Shift+Z.
    for with_shift in [true, false] {
        for command in Command::ALL.into_iter().filter(|command| allowed(*command)) {
            for shortcut in command.shortcuts().iter().filter(|s| s.modifiers.shift == with_shift) {
                // F1, F5 and F6 are no text.
                let no_text = matches!(shortcut.logical_key, Key::F1 | Key::F5 | Key::F6);
                let text = edits(shortcut) && !no_text;
                if !(typing && text || focused && presses(shortcut)) && command.enabled(state) {
                    bound.push((command, *shortcut));
                }
            }
        }
    }
    let mut taken = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key { key, modifiers, pressed: true, .. } = event else { return true };
            let hit =
                bound.iter().find(|(_, s)| s.logical_key == *key && modifiers.matches_logically(s.modifiers));
            taken.extend(hit.map(|(command, _)| *command));
            hit.is_none()
        });
    });
    taken
}

/// Keeps the order of presses where moves and other keys meet in one frame: the views apply moves after the
/// commands, so what was pressed after a move waits in `held` for the next frame.
pub fn hold_after_moves(ctx: &egui::Context, held: &mut Vec<Event>) {
    let typing = ctx.text_edit_focused();
    ctx.input_mut(|input| {
        let mut events = std::mem::take(held);
        events.append(&mut input.events);
        input.events = events;
        if typing {
            return;
        }
        // Whether shift was held on the first move.
        let mut first = None;
        let differs = |event: &Event| {
            let Event::Key { key, modifiers, pressed: true, .. } = event else { return false };
            let moves = is_move(*key).then_some(modifiers.shift);
            let differs = first.is_some() && moves != first;
            first = first.or(moves);
            differs
        };
        if let Some(at) = input.events.iter().position(differs) {
            let rest = input.events.split_off(at);
            let is_press = |event: &Event| matches!(event, Event::Key { pressed: true, .. });
            let (later, now): (Vec<Event>, Vec<Event>) = rest.into_iter().partition(is_press);
            input.events.extend(now);
            *held = later;
        }
    });
    if !held.is_empty() {
        ctx.request_repaint();
    }
}

/// True for the keys that move a cursor, see [`super::widgets::picture_grid::take_move`].
const fn is_move(key: Key) -> bool {
    matches!(
        key,
        Key::ArrowLeft
            | Key::ArrowRight
            | Key::ArrowUp
            | Key::ArrowDown
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End
    )
}
