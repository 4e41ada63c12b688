//! Rules that need no source and no name, over a whole batch at once.
//!
//! Such a rule is looked at in every row. Its tests are answered column by column and joined as bits; what is dear to
//! look at (JSON, lists, keywords) is asked in the rows that are left. Knows what [`Run`] knows.

use arrow::buffer::BooleanBuffer;

use crate::compile::Node;
use crate::run::Run;

/// Fewest rows for which bits are worth their making.
const MIN_ROWS: usize = 64;
/// A column is looked at row by row where only one row in so many is asked for.
const FEW: usize = 8;

impl Run<'_> {
    /// For each broad rule the rows in which it holds, as far as the columns say; nothing for a small batch.
    pub(crate) fn broad(&mut self) -> Vec<BooleanBuffer> {
        let rows = self.rows();
        if rows < MIN_ROWS {
            return Vec::new();
        }
        let program = self.program();
        // Rows with something in `extra` are asked one by one.
        let plain = BooleanBuffer::collect_bool(rows, |row| !self.has_extra(row));
        let mut asked = vec![None; program.atoms.len()];
        let rules = program.broad().iter().filter_map(|rule| program.rule(*rule));
        rules.map(|rule| self.bits(&rule.node, &plain, &mut asked)).collect()
    }

    /// Rows among `within` in which a tree holds.
    fn bits(&mut self, node: &Node, within: &BooleanBuffer, asked: &mut [Option<BooleanBuffer>]) -> BooleanBuffer {
        match node {
            Node::All(parts) => {
                let mut left = within.clone();
                for part in parts {
                    if left.count_set_bits() == 0 {
                        break;
                    }
                    left = self.bits(part, &left, asked);
                }
                left
            }
            Node::Any(parts) => {
                let mut left = within.clone();
                for part in parts {
                    if left.count_set_bits() == 0 {
                        break;
                    }
                    left = &left & &!&self.bits(part, &left, asked);
                }
                within & &!&left
            }
            Node::Not(part) => within & &!&self.bits(part, within, asked),
            Node::Atom(atom) => {
                if let Some(Some(known)) = asked.get(*atom) {
                    return within & known;
                }
                let few = within.count_set_bits() * FEW < within.len();
                match if few { None } else { self.column(*atom) } {
                    Some(known) => {
                        let found = within & &known;
                        asked[*atom] = Some(known);
                        found
                    }
                    None => self.each(node, within),
                }
            }
            Node::Keyword(_) => self.each(node, within),
        }
    }

    fn each(&mut self, node: &Node, within: &BooleanBuffer) -> BooleanBuffer {
        BooleanBuffer::collect_bool(within.len(), |row| within.value(row) && self.holds(node, row))
    }
}
