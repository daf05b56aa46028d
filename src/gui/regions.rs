//! The regions of the window: their names for assistive tools, and where F6 takes the keyboard.
//!
//! What paints a region marks it ([`Region::mark`]). Where the keyboard can go is read from the controls of the
//! last frame, so a region without any is passed over. Knows nothing of what a region shows.

use egui::{Context, Id, LayerId, Role, Ui, WidgetRects};

/// A part of the window, in the order of reading. A workspace has a panel at one side at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Menus, project, device.
    Menus,
    /// The workspaces.
    Rail,
    /// The histogram and what follows from it.
    Classes,
    /// What is wrong with the project as a whole.
    Notice,
    /// The panes of a workspace that has several.
    Panes,
    /// Filters and buttons over a workspace.
    Tools,
    /// A form left of what it is about.
    Left,
    /// What the workspace is for.
    Main,
    /// What leads on to the next workspace.
    Next,
    /// A form or facts right of what they are about.
    Right,
    /// Saved or not, and the job that runs.
    Status,
}

impl Region {
    /// In the order of reading.
    pub const ALL: [Region; 11] = [
        Region::Menus,
        Region::Rail,
        Region::Classes,
        Region::Notice,
        Region::Panes,
        Region::Tools,
        Region::Left,
        Region::Main,
        Region::Next,
        Region::Right,
        Region::Status,
    ];

    /// The name that assistive tools say.
    pub const fn text(self) -> &'static str {
        match self {
            Region::Menus => "Menu bar",
            Region::Rail => "Navigation rail",
            Region::Classes => "Class panel",
            Region::Notice => "Notice",
            Region::Panes => "Panes",
            Region::Tools => "Tools bar",
            Region::Left | Region::Right => "Side panel",
            Region::Main => "Main region",
            Region::Next => "Next step",
            Region::Status => "Status bar",
        }
    }

    const fn role(self) -> Role {
        match self {
            Region::Menus => Role::Banner,
            Region::Rail => Role::Navigation,
            Region::Classes | Region::Left | Region::Right => Role::Complementary,
            Region::Notice | Region::Panes | Region::Next => Role::Region,
            Region::Tools => Role::Toolbar,
            Region::Main => Role::Main,
            Region::Status => Role::Status,
        }
    }

    /// Says that everything in `ui` belongs to this region, but for what is marked otherwise inside.
    pub fn mark(self, ui: &Ui) {
        let root = ui.unique_id();
        ui.ctx().accesskit_node_builder(root, |node| {
            node.set_role(self.role());
            node.set_label(self.text());
        });
        ui.ctx().data_mut(|data| {
            data.get_temp_mut_or_default::<Places>(places_id()).roots[self as usize] = Some(root);
        });
    }
}

/// Which way the keyboard goes through the regions; the last one leads to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Next,
    Previous,
}

/// Where regions are, and which of their controls had the keyboard when it was taken away.
#[derive(Clone, Debug, Default)]
struct Places {
    /// The `Ui` that was marked last. One that is no longer there holds no control, so none is taken back.
    roots: [Option<Id>; Region::ALL.len()],
    left_at: [Option<Id>; Region::ALL.len()],
}

fn places_id() -> Id {
    Id::unique("regions of the window")
}

impl Places {
    /// The innermost region around a control.
    fn region_of(&self, widgets: &WidgetRects, control: Id) -> Option<Region> {
        let mut id = control;
        loop {
            let marked = |region: &Region| self.roots[*region as usize] == Some(id);
            if let Some(region) = Region::ALL.into_iter().find(marked) {
                return Some(region);
            }
            let parent = widgets.get(id)?.parent_id;
            // The outermost is its own parent.
            if parent == id {
                return None;
            }
            id = parent;
        }
    }
}

/// A control that Tab stops at.
struct Stop {
    region: Region,
    id: Id,
    /// Not scrolled away.
    in_sight: bool,
}

/// The stops of the last frame, in the order of Tab.
fn stops(ctx: &Context, places: &Places) -> Vec<Stop> {
    ctx.viewport(|viewport| {
        let widgets = &viewport.prev_pass.widgets;
        // Sheets, menus and messages lie on layers above and are no regions.
        let controls = widgets.get_layer(LayerId::background());
        controls
            .filter(|control| control.enabled && control.sense.is_focusable())
            .filter_map(|control| {
                let region = places.region_of(widgets, control.id)?;
                Some(Stop { region, id: control.id, in_sight: control.interact_rect.is_positive() })
            })
            .collect()
    })
}

/// Gives the keyboard to the nearest region that way which has a control, and there to the control that had it
/// last, or else to the first. Where no region has the keyboard it goes to the main one.
///
/// Call it before the frame is painted, and with nothing modal over the regions: that would take the keyboard
/// away again.
pub fn go(ctx: &Context, way: Way) {
    let mut places = ctx.data(|data| data.get_temp::<Places>(places_id())).unwrap_or_default();
    let stops = stops(ctx, &places);
    let focused = ctx.memory(|memory| memory.focused());
    let here = stops.iter().find(|stop| Some(stop.id) == focused).map(|stop| stop.region);
    let count = Region::ALL.len();
    let step = match way {
        Way::Next => 1,
        Way::Previous => count - 1,
    };
    let first = match here {
        Some(region) => {
            places.left_at[region as usize] = focused;
            region as usize + step
        }
        None => Region::Main as usize,
    };
    let stop_in = |region: Region| {
        let own = || stops.iter().filter(move |stop| stop.region == region);
        let last = places.left_at[region as usize];
        let again = own().find(|stop| stop.in_sight && Some(stop.id) == last);
        again.or_else(|| own().find(|stop| stop.in_sight)).or_else(|| own().next())
    };
    let stop = (0..count).find_map(|n| stop_in(Region::ALL[(first + n * step) % count]));
    if let Some(stop) = stop {
        ctx.memory_mut(|memory| memory.request_focus(stop.id));
    }
    ctx.data_mut(|data| data.insert_temp(places_id(), places));
}
