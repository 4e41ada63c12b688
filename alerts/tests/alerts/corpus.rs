//! The public rule sets: what loads, and why the rest is refused.

use alerts::{Engine, Lists, Settings, pack};

use crate::logs;

#[test]
fn public_rules_load_or_say_why() {
    let Some(folder) = logs::shared("sigma") else { return };
    let mut loaded = 0;
    let mut refused = Vec::new();
    for set in ["sigmahq", "suzaku"] {
        let parsed = pack::load(&folder.join(set), &Lists::new());
        let (engine, errors) = Engine::new(parsed.rules, &Settings::default());
        loaded += engine.rules().len();
        refused.extend(parsed.errors);
        refused.extend(errors);
    }
    for error in &refused {
        eprintln!("{error}");
    }
    eprintln!("{loaded} rules loaded, {} refused", refused.len());
    assert!(refused.iter().all(|e| e.reason.len() > 20 && e.rule.is_some()), "{refused:?}");
    assert!(loaded >= 395, "{loaded} rules loaded");
    // Old aggregation syntax, another product's logs, and placeholders without a list: nothing else.
    assert!(refused.len() <= 6, "{} rules refused", refused.len());
}
