//! The rules, one constant each.

mod circles;
mod floors;
mod nevers;
mod sizes;
mod words;

use crate::Rule;

pub const ALL: &[&Rule] = &[
    &floors::DOWNWARDS,
    &circles::NO_CIRCLES,
    &circles::NOT_PAST_THE_FOLDER,
    &nevers::TABLES_WITHOUT_TENSORS,
    &nevers::STRANGERS,
    &nevers::LIBRARIES,
    &words::OUTSIDE_WORLD,
    &words::CLOCK,
    &words::REGULAR_FILES,
    &words::CUDA,
    &words::ORDER_AND_CHANCE,
    &words::MEASURED_OR_ABSENT,
    &words::NOTHING_UNFINISHED,
    &words::NO_MATCH_ON_BOOL,
    &sizes::READABLE_SIZE,
    &sizes::DECLARED,
];
