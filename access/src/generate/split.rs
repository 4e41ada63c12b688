//! Documents within AWS' size limits.
//!
//! Source: "IAM and AWS STS quotas": a managed policy has at most 6,144 characters, the inline policies of a user together
//! 2,048, of a role 10,240, of a group 5,120; white space not counted.

use std::collections::BTreeMap;

use super::{Policy, Statement};

/// Characters of a managed policy.
pub const MANAGED_LIMIT: usize = 6144;
/// Characters of all inline policies of a user together.
const INLINE_USER_LIMIT: usize = 2048;
/// Characters of all inline policies of a role together.
const INLINE_ROLE_LIMIT: usize = 10_240;
/// Characters of all inline policies of a group together.
const INLINE_GROUP_LIMIT: usize = 5120;

/// Where a policy is to be kept, which decides how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// As managed policies: more than one where one would be too large.
    Managed,
    /// In a user.
    InUser,
    /// In a role.
    InRole,
    /// In a group.
    InGroup,
}

impl Hold {
    /// Characters, white space not counted: of one managed policy, or of all inline policies together.
    pub fn limit(self) -> usize {
        match self {
            Hold::Managed => MANAGED_LIMIT,
            Hold::InUser => INLINE_USER_LIMIT,
            Hold::InRole => INLINE_ROLE_LIMIT,
            Hold::InGroup => INLINE_GROUP_LIMIT,
        }
    }

    /// Whether several documents may be used where one is too large: the limit of inline policies is one for all of them.
    pub(super) fn may_split(self) -> bool {
        self == Hold::Managed
    }

    /// How a policy is kept, by its name in an inventory and whether its owner is a user.
    pub fn of_name(name: &str, is_user: bool) -> Hold {
        match name {
            name if name.starts_with("group/") => Hold::InGroup,
            name if name.starts_with("inline/") && is_user => Hold::InUser,
            name if name.starts_with("inline/") => Hold::InRole,
            _ => Hold::Managed,
        }
    }
}

/// Characters of a document, white space not counted.
pub fn size(policy: &Policy) -> usize {
    characters(serde_json::to_string(policy).unwrap_or_default().as_str())
}

pub(super) fn characters(text: &str) -> usize {
    text.chars().filter(|char| !char.is_whitespace()).count()
}

fn statement_size(statement: &Statement) -> usize {
    // The comma behind it counts too.
    characters(serde_json::to_string(statement).unwrap_or_default().as_str()) + 1
}

/// A statement, or a part of one, with its place among the statements and its size.
#[derive(Debug, Clone)]
struct Piece {
    place: usize,
    size: usize,
    is_part: bool,
    statement: Statement,
}

/// Characters that the number of a part adds to its name.
const NUMBERED: usize = "Part1234".len();

/// Puts statements into few documents, none over the limit. A statement that is over it alone is cut; one that cannot be cut
/// stands alone, and its document is too large for any policy to hold it. Two ways are tried: whole statements, each into the
/// first document that has room, the largest first; and one document filled after the other, with a cut where it ends. The first
/// is nicer to read, so the other has to be shorter.
pub(super) fn split(statements: Vec<Statement>, limit: usize) -> Vec<Vec<Statement>> {
    let room = limit.saturating_sub(size(&Policy::new(Vec::new())));
    let pieces: Vec<Piece> = statements
        .into_iter()
        .enumerate()
        .map(|(place, statement)| Piece { place, size: statement_size(&statement), is_part: false, statement })
        .collect();
    if pieces.iter().map(|piece| piece.size).sum::<usize>() <= room {
        let whole: Vec<Statement> = pieces.into_iter().map(|piece| piece.statement).collect();
        return if whole.is_empty() { Vec::new() } else { vec![whole] };
    }
    let packed = pack(pieces.clone(), room);
    let total: usize = pieces.iter().map(|piece| piece.size).sum();
    let documents = if packed.len() > total.div_ceil(room.max(1)) {
        let poured = pour(pieces, room);
        if poured.len() < packed.len() { poured } else { packed }
    } else {
        packed
    };
    named(documents)
}

/// Whole statements, the largest first, each into the first document with room.
fn pack(pieces: Vec<Piece>, room: usize) -> Vec<Vec<Piece>> {
    let mut pending: Vec<Piece> = pieces;
    let mut parts = Vec::new();
    while let Some(piece) = pending.pop() {
        match if piece.size > room { cut(piece, room).or_halved() } else { Cut::Not(piece) } {
            Cut::Apart(front, back) => pending.extend([back, front]),
            Cut::Not(whole) => parts.push(whole),
        }
    }
    parts.sort_by_key(|piece| (std::cmp::Reverse(piece.size), piece.place));
    let mut documents: Vec<(usize, Vec<Piece>)> = Vec::new();
    for piece in parts {
        match documents.iter_mut().find(|(left, _)| *left >= piece.size) {
            Some((left, document)) => {
                *left -= piece.size;
                document.push(piece);
            }
            None => documents.push((room.saturating_sub(piece.size), vec![piece])),
        }
    }
    documents.into_iter().map(|(_, document)| document).collect()
}

/// One document filled after the other, statements cut where it ends.
fn pour(pieces: Vec<Piece>, room: usize) -> Vec<Vec<Piece>> {
    let mut documents: Vec<Vec<Piece>> = Vec::new();
    let mut left = 0;
    let mut pending: Vec<Piece> = pieces.into_iter().rev().collect();
    while let Some(piece) = pending.pop() {
        let whole = if piece.size <= left {
            Cut::Not(piece)
        } else if left > room / 8 {
            // A cut repeats what stands before the resources, so a smaller rest is not worth one.
            cut(piece, left)
        } else if piece.size > room {
            cut(piece, room).or_halved()
        } else {
            Cut::Not(piece)
        };
        match whole {
            Cut::Apart(front, back) => pending.extend([back, front]),
            Cut::Not(piece) => {
                if piece.size > left || documents.is_empty() {
                    documents.push(Vec::new());
                    left = room;
                }
                // What does not fit into the rest of a document may be cut to a whole one.
                if piece.size > room && left == room && piece.can_be_cut() {
                    documents.pop();
                    left = 0;
                    pending.push(piece);
                    continue;
                }
                left = left.saturating_sub(piece.size);
                documents.last_mut().into_iter().for_each(|document| document.push(piece.clone()));
            }
        }
    }
    documents
}

/// What came of cutting a statement.
enum Cut {
    /// Two parts.
    Apart(Piece, Piece),
    /// It stays as it was.
    Not(Piece),
}

impl Cut {
    fn or_halved(self) -> Cut {
        match self {
            Cut::Not(piece) => halve(piece),
            apart @ Cut::Apart(..) => apart,
        }
    }
}

impl Piece {
    fn can_be_cut(&self) -> bool {
        self.statement.resource.len() > 1 || self.statement.action.len() > 1
    }

    /// Whether its resources are the longer list, and so what is cut.
    fn is_cut_by_resource(&self) -> bool {
        self.statement.resource.len() > 1 && self.statement.resource.len() >= self.statement.action.len()
    }

    /// Two parts of it: the first with so many of the longer list, which take so many characters, and the frame around them.
    fn parted(mut self, at: usize, taken: usize, frame: usize) -> (Piece, Piece) {
        let by_resource = self.is_cut_by_resource();
        let list = |statement: &mut Statement| match by_resource {
            true => std::mem::take(&mut statement.resource),
            false => std::mem::take(&mut statement.action),
        };
        let mut front = list(&mut self.statement);
        let back = front.split_off(at.min(front.len()));
        let with = |list: Vec<String>, size: usize, mut statement: Statement| {
            *(if by_resource { &mut statement.resource } else { &mut statement.action }) = list;
            Piece { place: self.place, size, is_part: true, statement }
        };
        let whole = self.size + if self.is_part { 0 } else { NUMBERED };
        let front = with(front, frame + taken, self.statement.clone());
        (front, with(back, whole - taken, self.statement))
    }
}

/// Characters of an entry of a list, its comma among them.
fn entry(text: &String) -> usize {
    characters(&serde_json::to_string(text).unwrap_or_default()) + 1
}

/// Two statements that say the same as one, the first as large as there is room for; or the one as it was. What is left is not
/// looked through again, so that a list of very many takes no longer than it has to.
fn cut(piece: Piece, room: usize) -> Cut {
    let by_resource = piece.is_cut_by_resource();
    let Statement { sid, action, resource, .. } = &piece.statement;
    let (list, other) = if by_resource { (resource, action) } else { (action, resource) };
    let condition = piece.statement.condition.clone();
    let bare = Statement { sid: sid.clone(), effect: "Allow", action: Vec::new(), resource: Vec::new(), condition };
    let frame = statement_size(&bare) + NUMBERED + other.iter().map(entry).sum::<usize>();
    let (mut taken, mut at) = (0, 0);
    for text in list.iter().take(list.len().saturating_sub(1)) {
        let more = entry(text);
        if frame + taken + more > room {
            break;
        }
        taken += more;
        at += 1;
    }
    if at == 0 {
        return Cut::Not(piece);
    }
    let (front, back) = piece.parted(at, taken, frame);
    Cut::Apart(front, back)
}

/// Two halves of a statement whose shorter list alone leaves no room.
fn halve(mut piece: Piece) -> Cut {
    if !piece.can_be_cut() {
        return Cut::Not(piece);
    }
    let mut back = piece.clone();
    let characters = |list: &[String]| list.iter().map(entry).sum::<usize>();
    let statement = &mut piece.statement;
    let of_actions = characters(&statement.action) > characters(&statement.resource);
    if (of_actions && statement.action.len() > 1) || statement.resource.len() < 2 {
        back.statement.action = statement.action.split_off(statement.action.len() / 2);
    } else {
        back.statement.resource = statement.resource.split_off(statement.resource.len() / 2);
    }
    for half in [&mut piece, &mut back] {
        half.is_part = true;
        half.size = statement_size(&half.statement) + NUMBERED;
    }
    Cut::Apart(piece, back)
}

/// The documents in the order of their statements; parts of a statement get names of their own.
fn named(mut documents: Vec<Vec<Piece>>) -> Vec<Vec<Statement>> {
    for document in &mut documents {
        document.sort_by_key(|piece| piece.place);
    }
    documents.sort_by_key(|document| document.first().map(|piece| piece.place));
    let mut parts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for piece in documents.iter().flatten() {
        parts.entry(piece.place).or_default().0 += 1;
    }
    let mut name = |mut piece: Piece| {
        if let Some((count, told)) = parts.get_mut(&piece.place).filter(|(count, _)| *count > 1) {
            *told += 1;
            debug_assert!(told <= count);
            piece.statement.sid.push_str(&format!("Part{told}"));
        }
        piece.statement
    };
    documents.into_iter().map(|document| document.into_iter().map(&mut name).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_document_is_over_the_limit_and_nothing_is_lost() {
        let resource = (0..400).map(|at| format!("arn:aws:s3:::some-bucket-name/object-{at:04}")).collect();
        let big = Statement {
            sid: "S3".into(),
            effect: "Allow",
            action: vec!["s3:GetObject".into()],
            resource,
            condition: None,
        };
        let small = Statement { sid: "Any".into(), resource: vec!["*".into()], ..big.clone() };
        let documents = split(vec![big.clone(), small.clone()], MANAGED_LIMIT);
        assert!(documents.len() > 2);
        let all: Vec<_> = documents.iter().flatten().collect();
        let mut sids: Vec<_> = all.iter().map(|statement| &statement.sid).collect();
        sids.dedup();
        assert_eq!(sids.len(), all.len());
        assert_eq!(all.iter().map(|statement| statement.resource.len()).sum::<usize>(), 401);
        assert!(documents.into_iter().all(|statements| size(&Policy::new(statements)) <= MANAGED_LIMIT));
        assert_eq!(split(vec![small.clone()], MANAGED_LIMIT), [vec![small]]);
    }

    /// Statements of a little more than half a document, and ones a little over a whole: halves left 12 documents half empty.
    #[test]
    fn documents_are_filled() {
        let statement = |name: String, count: usize| Statement {
            resource: (0..count).map(|at| format!("arn:aws:s3:::some-bucket-{name}/object-{at:05}")).collect(),
            sid: name,
            effect: "Allow",
            action: vec!["s3:GetObject".into()],
            condition: None,
        };
        for counts in [vec![70; 12], vec![135; 7], vec![140, 90, 30, 200, 10, 70, 55, 131, 64], vec![66, 66, 65, 65]] {
            let statements: Vec<Statement> =
                counts.iter().enumerate().map(|(at, count)| statement(format!("S3No{at}"), *count)).collect();
            let total: usize = statements.iter().map(statement_size).sum();
            let resources: usize = counts.iter().sum();
            let documents = split(statements, MANAGED_LIMIT);
            assert!(documents.len() <= total.div_ceil(MANAGED_LIMIT - 40) + 1, "{counts:?}: {}", documents.len());
            assert_eq!(documents.iter().flatten().map(|one| one.resource.len()).sum::<usize>(), resources);
            let sids: std::collections::BTreeSet<_> = documents.iter().flatten().map(|one| &one.sid).collect();
            assert_eq!(sids.len(), documents.iter().flatten().count());
            assert!(documents.into_iter().all(|statements| size(&Policy::new(statements)) <= MANAGED_LIMIT));
        }
    }

    /// Many actions on many resources: neither list leaves room for the other.
    #[test]
    fn both_lists_are_cut_where_they_must_be() {
        let many = |front: &str, count: usize| (0..count).map(|at| format!("{front}{at:04}")).collect::<Vec<_>>();
        let (action, resource) = (many("iam:GetSomethingLong", 400), many("arn:aws:iam::111111111111:user/name", 300));
        let one = Statement { sid: "Iam".into(), effect: "Allow", action, resource, condition: None };
        let documents = split(vec![one.clone()], MANAGED_LIMIT);
        let pairs = documents.iter().flatten().map(|one| one.action.len() * one.resource.len()).sum::<usize>();
        assert_eq!(pairs, 400 * 300);
        assert!(documents.into_iter().all(|statements| size(&Policy::new(statements)) <= MANAGED_LIMIT));
        // One that cannot be cut stands alone.
        let long = Statement { action: vec!["s3:GetObject".into()], resource: vec!["x".repeat(7000)], ..one };
        assert_eq!(split(vec![long.clone(), long], MANAGED_LIMIT).len(), 2);
    }
}
