//! Messages to the person: a toast for a few seconds, and the log that keeps them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::widgets::status_bar::capital;
use crate::domain::task::Level;

/// How long a toast stays. Errors stay until they are closed.
const TOAST: Duration = Duration::from_secs(7);
/// Messages kept in the log.
const KEPT: usize = 1000;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    pub level: Level,
    /// Sentences; the path last.
    pub text: String,
    pub at: Instant,
    /// How often it came in a row.
    pub times: u32,
    dismissed: bool,
}

/// All messages of this window, oldest first.
#[derive(Debug, Default)]
pub struct Notifications {
    messages: VecDeque<Message>,
    /// Warnings and errors since the log was last looked at.
    unread: usize,
}

impl Notifications {
    /// A toast and a line of the log; the text begins with a capital letter.
    pub fn push(&mut self, level: Level, text: impl Into<String>) {
        let text = capital(&text.into());
        if level != Level::Info {
            self.unread += 1;
        }
        if let Some(last) = self.messages.back_mut().filter(|m| m.level == level && m.text == text) {
            last.times += 1;
            last.at = Instant::now();
            last.dismissed = false;
            return;
        }
        self.messages.push_back(Message { level, text, at: Instant::now(), times: 1, dismissed: false });
        if self.messages.len() > KEPT {
            self.messages.pop_front();
        }
    }

    /// Into the log alone, without a toast.
    pub fn record(&mut self, level: Level, text: impl Into<String>) {
        self.push(level, text);
        if let Some(last) = self.messages.back_mut() {
            last.dismissed = true;
        }
    }

    /// Newest first.
    pub fn log(&self) -> impl ExactSizeIterator<Item = &Message> {
        self.messages.iter().rev()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub const fn unread(&self) -> usize {
        self.unread
    }

    pub fn mark_read(&mut self) {
        self.unread = 0;
    }

    /// Messages that are shown as toasts now, newest first, at most four, with their place for
    /// [`Notifications::dismiss`].
    pub fn toasts(&self) -> Vec<(usize, &Message)> {
        let shown = |m: &Message| !m.dismissed && (m.level == Level::Error || m.at.elapsed() < TOAST);
        self.messages.iter().enumerate().rev().filter(|(_, m)| shown(m)).take(4).collect()
    }

    /// When the next toast ends by itself.
    pub fn next_end(&self) -> Option<Duration> {
        self.toasts()
            .iter()
            .filter(|(_, m)| m.level != Level::Error)
            .map(|(_, m)| TOAST.saturating_sub(m.at.elapsed()))
            .min()
    }

    pub fn dismiss(&mut self, place: usize) {
        if let Some(message) = self.messages.get_mut(place) {
            message.dismissed = true;
        }
    }
}
