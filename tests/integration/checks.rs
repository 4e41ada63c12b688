//! The table of what is checked: complete, and nothing in it that is not there.

use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn table() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/checks.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    rows.map(cells).filter(|cells| cells.len() == 4).collect()
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_number_has_a_row_whose_tests_exist() {
    let table = table();
    let numbers: Vec<u32> = table.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(numbers, (1..=42).collect::<Vec<_>>());
    for row in &table {
        let tests = quoted(&row[3]);
        assert!(!tests.is_empty(), "{row:?}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or((test, "#[test]"));
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            let wanted = if name == "#[test]" { name.to_owned() } else { format!("fn {name}(") };
            assert!(text.contains(&wanted), "{test} is not there");
        }
    }
}

#[test]
fn every_rule_and_finding_it_names_exists() {
    let access = std::fs::read_to_string(root().join("docs/access.md")).unwrap();
    let mut rules = 0;
    for row in table() {
        for part in row[2].split(';') {
            let part = part.trim();
            if part.starts_with("rule") {
                for rule in quoted(part) {
                    assert!(root().join(format!("alerts/rules/{rule}.yml")).is_file(), "no rule {rule}");
                    rules += 1;
                }
            }
            let is_kind = ["finding", "observation", "risk", "reason"].iter().any(|word| part.starts_with(word));
            for kind in quoted(part).into_iter().filter(|_| is_kind) {
                assert!(access.contains(&format!("`{kind}`")), "docs/access.md does not tell of {kind}");
            }
        }
    }
    assert!(rules > 20, "{rules}");
}
