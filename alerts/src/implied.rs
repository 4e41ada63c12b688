//! Whether one detection asks for all that another asks for: then its events are among the other's.
//!
//! What is not seen is not claimed: a yes is certain, a no is not. Knows detections and no events.

use crate::condition::Expr;
use crate::test::{Leaf, Shape, Test, TextTest};

/// Whether every event that `narrow` holds for is one that `wide` holds for, as far as that can be seen.
pub(crate) fn implies(narrow: &Expr, wide: &Expr) -> bool {
    match (narrow, wide) {
        // What must be split first: both sides' choices and demands.
        (Expr::Any(parts), _) if !parts.is_empty() => parts.iter().all(|part| implies(part, wide)),
        (_, Expr::All(parts)) => parts.iter().all(|part| implies(narrow, part)),
        (_, Expr::Any(parts)) if parts.iter().any(|part| implies(narrow, part)) => true,
        (Expr::All(parts), _) => parts.iter().any(|part| implies(part, wide)),
        (Expr::Not(less), Expr::Not(more)) => implies(more, less),
        (Expr::Field(one, test), Expr::Field(other, asked)) => one.eq_ignore_ascii_case(other) && follows(test, asked),
        (Expr::Keyword(test), Expr::Keyword(asked)) => text_follows(test, asked),
        _ => false,
    }
}

/// Whether the tree asks for what it also refuses, so that no event has it.
pub(crate) fn is_never(expr: &Expr) -> bool {
    match expr {
        Expr::All(parts) => {
            let mut refused = Vec::new();
            inner(expr, &mut refused);
            parts.iter().any(is_never) || refused.into_iter().any(|refused| implies(expr, refused))
        }
        Expr::Any(parts) => parts.iter().all(is_never),
        Expr::Not(part) => is_always(part),
        Expr::Field(..) | Expr::Keyword(_) => false,
    }
}

/// Whether the tree takes what it also does without, so that every event has it.
pub(crate) fn is_always(expr: &Expr) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(is_always),
        Expr::Any(parts) => {
            let negated = |part: &Expr| matches!(part, Expr::Not(without) if implies(without, expr));
            parts.iter().any(|part| is_always(part) || negated(part))
        }
        Expr::Not(part) => is_never(part),
        Expr::Field(..) | Expr::Keyword(_) => false,
    }
}

/// What is refused in all that must hold together. Who refuses several things at a time refuses each of them.
fn inner<'a>(expr: &'a Expr, refused: &mut Vec<&'a Expr>) {
    match expr {
        Expr::All(parts) => parts.iter().for_each(|part| inner(part, refused)),
        Expr::Not(part) => refused.push(part),
        _ => {}
    }
}

/// Whether each leaf that passes `test` passes `asked`. Keys inside JSON differ by case, and fields that are equal but for
/// case are taken for the same: a remark is all that comes of it.
fn follows(test: &Test, asked: &Test) -> bool {
    match (test, asked) {
        (_, Test::Present) => true,
        (Test::Present, _) => false,
        (_, Test::NotNull) => true,
        (Test::Text(test), Test::Text(asked)) => text_follows(test, asked),
        (Test::Text(TextTest { shape: Shape::Is, needle, .. }), asked) => asked.passes(Leaf::Text(needle)),
        _ => format!("{test:?}") == format!("{asked:?}"),
    }
}

fn text_follows(test: &TextTest, asked: &TextTest) -> bool {
    if format!("{test:?}") == format!("{asked:?}") {
        return true;
    }
    // A text in any case says nothing of one with its case.
    if asked.cased && !test.cased {
        return false;
    }
    match (&test.shape, &asked.shape) {
        (Shape::Is, Shape::Matches(_)) => test.cased && asked.passes(&test.needle),
        (Shape::Is, _) => asked.passes(&test.needle),
        (Shape::StartsWith, Shape::StartsWith | Shape::Contains)
        | (Shape::EndsWith, Shape::EndsWith | Shape::Contains)
        | (Shape::Contains, Shape::Contains) => asked.passes(&test.needle),
        _ => false,
    }
}
