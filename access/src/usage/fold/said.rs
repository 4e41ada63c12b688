//! What only the event itself says of the actions that it asked for: see [`crate::asks`].

use super::super::codes::Codes;
use super::{Chunk, Outcome};
use crate::asks;
use crate::resource::Told;

impl<'a> Chunk<'a> {
    /// Number of the actions that the event itself names, or 0.
    pub(super) fn variant(&mut self, group: usize, row: usize) -> u32 {
        let Some(group) = self.groups.get(group) else { return 0 };
        let Some(call) = self.calls.get(group.call as usize) else { return 0 };
        let words = asks::Words {
            name: self.event_names.value(self.event_names.code(row)).unwrap_or_default(),
            request: self.columns.request.get(row),
            refusal: self.columns.error_message.get(row).filter(|_| group.outcome == Outcome::Denied),
        };
        match asks::correction(&call.own, &words) {
            Some(own) => {
                let names: Vec<&str> = own.actions.iter().map(|(action, _)| &**action).collect();
                self.variants.id(&names.join(" ")) + 1
            }
            None => 0,
        }
    }

    /// What the event's request asked for besides its own actions.
    pub(super) fn add_more(&mut self, group: usize, row: usize, time: i64) {
        let Some(call) = self.groups.get(group).and_then(|group| self.calls.get(group.call as usize)) else { return };
        let Some(request) = self.columns.request.get(row) else { return };
        let text = |codes: &Codes<'a>| codes.value(codes.code(row)).unwrap_or_default();
        // Its answer may name a role that a launch template has; without it that is not counted.
        let told = Told { event: text(&self.event_names), request: Some(request), ..Told::default() };
        for name in asks::names_of_more(text(&self.event_sources), &call.own, &told) {
            self.more.add(group, name, (time, row), &self.columns.source);
        }
    }
}
