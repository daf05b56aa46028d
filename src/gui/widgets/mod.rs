//! Widgets that more than one view uses. They know the theme and the state's types, not the app.

pub mod candidate_tile;
pub mod class_charts;
pub mod class_panel;
pub mod confusion_table;
pub mod curves;
pub mod empty_state;
pub mod figure_table;
pub mod form;
pub mod histogram;
pub mod job_buttons;
pub mod keycap;
pub mod palette;
pub mod path_box;
pub mod picture_grid;
pub mod picture_view;
pub mod probability;
pub mod scatter;
pub mod status_bar;
