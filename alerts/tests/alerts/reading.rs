//! Rules as text: what each construct means on one event, and what is refused, where, and why.

use alerts::{Engine, Lists, Match, RuleError, Settings, rule};
use ingest::columns::batch_from_json;

const HEAD: &str = "title: t\nid: t\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n";

const RECORD: &str = r#"{"eventTime":"2024-05-06T07:08:09Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser",
  "userIdentity":{"type":"IAMUser","userName":"Alice","sessionContext":{"attributes":{"mfaAuthenticated":"false"}}},
  "sourceIPAddress":"10.1.2.3","readOnly":false,"errorCode":null,
  "resources":[{"ARN":"arn:aws:iam::1:user/a"},{"ARN":"arn:aws:iam::1:user/b"}],
  "requestParameters":{"userName":"alice","maxItems":50,"data":"xxaHR0cDovL2V4YW1wbGU=","cmd":["run","\u2013enc"],"path":"C:\\x\\*.txt","resource.type":"dotted","none":null,
    "prefix":"AL","suffix":"ICE","middle":"lic","wide":"c\u0000m\u0000d\u0000.\u0000e\u0000x\u0000e\u0000","list":["a","b","c"],"empty":[],
    "blank":"","percent":"50%","ratio":0.50,"flag":true,"word":"inf"},
  "responseElements":{"user":{"createDate":"May 5, 2024, 10:08:09 PM"}},
  "brandNew":{"deep":[{"x":1},{"x":2}]}}"#;

fn lists() -> Lists {
    let list = |name: &str, values: &[&str]| (name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
    Lists::from([
        list("admins", &["bob", "alice"]),
        list("networks", &["192.0.2.0/24", "10.0.0.0/8"]),
        list("verbs", &["Delete", "Create"]),
    ])
}

fn holds(detection: &str) -> bool {
    let yaml = format!("{HEAD}{detection}");
    let parsed = rule::parse("t.yml", &yaml, &lists());
    assert!(parsed.errors.is_empty(), "{:?}\n{yaml}", parsed.errors);
    let (mut engine, errors) = Engine::new(parsed.rules, &Settings::default());
    assert!(errors.is_empty(), "{errors:?}");
    let mut found = Vec::new();
    engine.matches(&batch_from_json(&[RECORD]).unwrap(), &mut found);
    found == [Match { rule: 0, row: 0 }]
}

fn item(item: &str) -> bool {
    holds(&format!("  s:\n    {item}\n  condition: s\n"))
}

/// Items that hold for the record.
const HOLD: &[&str] = &[
    "eventName: createuser",
    "eventName|cased: CreateUser",
    "eventName: 'Create*'",
    "eventName: 'Cr?ateUs*'",
    "eventName: [Other, CreateUser]",
    "eventName|contains|all: [Create, User]",
    "eventName|re: '^Create[A-Z]'",
    "eventName|re|i: '^create'",
    r"eventName|re: '^\w{5,64}$'",
    r"eventTime|re: '\d{4}-\d\d-\d\d'",
    r"sourceIPAddress|re: '^10\.1\.'",
    "eventName|neq: DeleteUser",
    "readOnly: false",
    "readOnly: 'false'",
    "errorCode: null",
    "errorCode|exists: true",
    "errorMessage|exists: false",
    "sourceIPAddress|cidr: 10.0.0.0/8",
    "requestParameters.maxItems: 50",
    "requestParameters.maxItems|gt: 49",
    "requestParameters.maxItems|lte: '50'",
    "requestParameters.userName|fieldref: userIdentity.userName",
    "requestParameters.userName|expand: '%admins%'",
    "requestParameters.data|base64offset|contains: 'http://'",
    "requestParameters.cmd|windash: '-enc'",
    r"requestParameters.path: 'C:\\x\\\*.txt'",
    "requestParameters.resource.type: dotted",
    "requestParameters.none: null",
    "requestParameters.none|exists: true",
    "requestParameters|contains: '\"maxItems\":50'",
    "userIdentity|contains: '\"userName\":\"Alice\"'",
    "useridentity.SESSIONCONTEXT.attributes.mfaauthenticated: false",
    "resources.ARN|endswith: user/b",
    "resources|contains: user/b",
    "brandNew.deep.x: 2",
    "eventTime|startswith: '2024-05-06T07:08:09Z'",
    "'|all': [Alice, CreateUser]",
    "'|re': 'Create[A-Z]ser'",
    "eventTime|hour: 7",
    "eventTime|minute: [1, 8]",
    "eventTime|day|gte: 6",
    "eventTime|month|lt: 6",
    "eventTime|week: 19",
    "eventTime|year|neq: 2023",
    "responseElements.user.createDate|hour: 22",
    "requestParameters.userName|fieldref|startswith: requestParameters.prefix",
    "requestParameters.userName|endswith|fieldref: requestParameters.suffix",
    "requestParameters.userName|contains|fieldref: requestParameters.middle",
    "requestParameters.userName|fieldref|neq: eventName",
    "sourceIPAddress|cidr: 10.1.2.3",
    "sourceIPAddress|cidr|expand: '%networks%'",
    "sourceIPAddress|cidr|neq: 192.168.0.0/16",
    "eventName|re|expand: '^%verbs%User$'",
    "requestParameters.cmd|contains|windash: '-enc'",
    "requestParameters.wide|wide|contains: 'cmd'",
    "requestParameters.wide|utf16le: 'cmd.exe'",
    "eventName|re|startswith: 'Cre'",
    "eventName|endswith|re: 'U.er'",
    "requestParameters.list: b",
    "requestParameters.list|contains|all: [a, c]",
    "requestParameters.list|neq: d",
    "requestParameters.empty|exists: true",
    "requestParameters.blank: ''",
    "requestParameters.percent: '50%'",
    "requestParameters.percent|expand: '50\\%'",
    "requestParameters.ratio: 0.5",
    "requestParameters.flag: true",
    "requestParameters.flag: 'TRUE'",
    "requestParameters.path: 'C:\\x\\\\*'",
    "userIdentity.type: [null, IAMUser]",
    "requestParameters.maxItems|startswith: 5",
    "eventName: '*'",
];

/// Items that do not.
const DO_NOT_HOLD: &[&str] = &[
    "eventName|cased: createuser",
    "eventName|neq: [CreateUser, DeleteUser]",
    "errorMessage|neq: x",
    "errorMessage: ''",
    "eventName|re: '^create'",
    "errorCode|exists: false",
    "requestParameters.none|neq: x",
    "requestParameters.username: alice",
    "requestParameters.maxItems|lt: 50",
    "requestParameters.userName|fieldref|cased: userIdentity.userName",
    "requestParameters.userName|fieldref: userIdentity.accessKeyId",
    r"requestParameters.path: 'C:\\x\\\?.txt'",
    "brandNew.deep.x: 3",
    "'|all': [Alice, DeleteUser]",
    "eventTime|hour: 8",
    "eventTime|hour|gt: 7",
    "eventName|hour: 7",
    "requestParameters.userName|fieldref|startswith: requestParameters.suffix",
    "requestParameters.userName|fieldref|contains: requestParameters.missing",
    "requestParameters.userName|fieldref|neq: userIdentity.userName",
    "requestParameters.missing|neq: x",
    "sourceIPAddress|cidr: 10.1.2.4",
    "eventName|re|endswith: 'Cre'",
    "requestParameters.list|contains|all: [a, d]",
    "requestParameters.list|neq: [x, b]",
    "requestParameters.list: ''",
    "requestParameters.blank: null",
    "requestParameters.empty: null",
    "requestParameters.missing: ''",
    "requestParameters.missing: '*'",
    "requestParameters.word|gt: 5",
    "requestParameters.maxItems: 5",
    "requestParameters.maxItems: '50.0'",
    "requestParameters.flag: 1",
    "requestParameters.list: 'a*c'",
    r"eventName: 'CreateUse\?'",
];

#[test]
fn each_construct_means_what_sigma_says() {
    for yes in HOLD {
        assert!(item(yes), "should match: {yes}");
    }
    for no in DO_NOT_HOLD {
        assert!(!item(no), "should not match: {no}");
    }
}

#[test]
fn selections_lists_and_conditions_combine() {
    assert!(holds("  s1:\n    eventName: CreateUser\n  s2:\n    eventName: X\n  condition: 1 of s*\n"));
    assert!(!holds("  s1:\n    eventName: CreateUser\n  s2:\n    eventName: X\n  condition: all of them\n"));
    assert!(holds(
        "  s:\n    - eventName: X\n    - eventSource: iam.amazonaws.com\n      eventName: CreateUser\n  condition: s\n"
    ));
    assert!(holds("  k: [nothing, ALICE]\n  condition: k\n"));
    assert!(!holds("  k: [nothing]\n  condition: k\n"));
    assert!(holds("  a:\n    eventName: X\n  b:\n    eventName: Y\n  condition: not a and not b or a\n"));
    assert!(holds("  a:\n    eventName: X\n  b:\n    eventName: CreateUser\n  condition:\n    - a\n    - b\n"));
}

fn refused(yaml: &str) -> RuleError {
    let parsed = rule::parse("t.yml", yaml, &Lists::new());
    assert!(parsed.rules.is_empty(), "loaded: {yaml}");
    parsed.errors.into_iter().next().unwrap()
}

#[test]
fn what_cannot_be_kept_is_refused_with_line_and_reason() {
    for (bad, reason, line) in [
        ("  s:\n    eventName|fuzzy: x\n  condition: s\n", "nknown modifier 'fuzzy'", Some(8)),
        ("  s:\n    eventName|contains|endswith: x\n  condition: s\n", "exclude one another", Some(8)),
        ("  s:\n    eventTime|hour: noon\n  condition: s\n", "`noon` is not a number", Some(8)),
        ("  s:\n    eventTime|hour|day: 3\n  condition: s\n", "one part at a time", Some(8)),
        ("  s:\n    eventTime|gt|lt: 3\n  condition: s\n", "exclude one another", Some(8)),
        ("  s:\n    eventName|wide: é\n  condition: s\n", "UTF-16", Some(8)),
        ("  s:\n    eventName|cidr|contains: 10.0.0.0/8\n  condition: s\n", "exclude one another", Some(8)),
        ("  s:\n    eventName|neq|all: [a, b]\n  condition: s\n", "no defined meaning", Some(8)),
        ("  s:\n    eventName|contains|base64: x\n  condition: s\n", "must stand before", Some(8)),
        ("  s:\n    eventName|expand: '%x%'\n  condition: s\n", "list named `x`", Some(8)),
        ("  s:\n    eventName|re: '(?=a)'\n  condition: s\n", "look-around", Some(8)),
        ("  s:\n    eventName|exists: maybe\n  condition: s\n", "one boolean", Some(8)),
        ("  s:\n    sourceIPAddress|cidr: 10.0.0.0/99\n  condition: s\n", "not a network", Some(8)),
        ("  s:\n    maxItems|gt: many\n  condition: s\n", "not a number", Some(8)),
        ("  s:\n    requestParameters:\n      userName: x\n  condition: s\n", "write nested fields with dots", Some(8)),
        ("  s: {}\n  condition: s\n", "match every event", Some(7)),
        ("  s:\n    eventName: []\n  condition: s\n", "empty", Some(8)),
        ("  s:\n    eventName: x\n  condition: s and t\n", "`t`", Some(9)),
        ("  s:\n    eventName: x\n  condition: 1 of t*\n", "selects nothing", Some(9)),
        ("  s:\n    eventName: x\n  condition: s | count() > 5\n", "write a correlation", Some(9)),
        ("  s:\n    eventName: x\n  timeframe: 5m\n  condition: s\n", "`timeframe`", Some(9)),
        ("  s:\n    1: x\n  condition: s\n", "not a field name", Some(7)),
        ("  s:\n    event_date: x\n  condition: s\n", "eventTime", Some(8)),
        ("  s:\n    eventName: x\n    v[0].k: x\n  condition: s\n", "`v.k`", Some(9)),
        ("  s:\n    eventName|fieldref: v[0].k\n  condition: s\n", "`v.k`", Some(8)),
    ] {
        let yaml = format!("{HEAD}{bad}");
        let error = refused(&yaml);
        assert!(error.reason.contains(reason), "{error}\n{yaml}");
        assert_eq!((error.file.as_str(), error.rule.as_deref()), ("t.yml", Some("t")), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
}

#[test]
fn rules_for_other_logs_and_unknown_words_are_refused() {
    let detection = "detection:\n  s:\n    eventName: x\n  condition: s\n";
    for (head, reason) in [
        ("logsource:\n  product: windows\n", "product `windows`"),
        ("logsource:\n  product: aws\n  service: route53\n", "service `route53`"),
        ("logsource:\n  category: dns\n", "category `dns`"),
        ("", "log source is missing"),
        ("level: urgent\nlogsource:\n  product: aws\n", "invalid level"),
        ("level: [low]\nlogsource:\n  product: aws\n", "invalid level"),
        ("sigma-version: 3\nlogsource:\n  product: aws\n", "sigma-version"),
        ("trailhound: {type: revived}\nlogsource:\n  product: aws\n", "rest"),
    ] {
        let error = refused(&format!("title: t\n{head}{detection}"));
        assert!(error.reason.contains(reason), "{error}");
    }
}

#[test]
fn correlations_that_cannot_be_kept_are_refused() {
    let base = format!("{HEAD}  s:\n    eventName: x\n  condition: s\n");
    for (correlation, reason) in [
        ("type: value_median\n  rules: [t]\n  timespan: 5m\n  condition: {gte: 5, field: x}", "value_median"),
        ("type: value_sum\n  rules: [t]\n  timespan: 5m\n  condition: {gte: 5, field: [x, y]}", "one `field`"),
        ("type: value_percentile\n  rules: [t]\n  timespan: 5m\n  condition: {gte: 500, field: x}", "percentile: 50"),
        ("type: event_count\n  rules: [t]\n  timespan: 5m\n  condition: {lt: few}", "takes a number"),
        ("type: event_count\n  rules: [t]\n  timespan: 5m\n  condition: {field: x}", "no key `field`"),
        ("type: event_count\n  rules: [t]\n  timespan: 5m", "needs a `condition`"),
        ("type: event_count\n  rules: [t]\n  timespan: soon\n  condition: {gte: 5}", "is not a time"),
        ("type: event_count\n  rules: [t]\n  groupby: [x]\n  timespan: 5m\n  condition: {gte: 5}", "no key `groupby`"),
        ("type: event_count\n  rules: [t]\n  timespan: 5m\n  condition: {gt: 5, lt: 3}", "can be `lt: 3` and `gt: 5`"),
        ("type: event_count\n  rules: [t]\n  timespan: 5m\n  condition: {eq: 0}", "can never hold"),
        ("type: temporal\n  rules: [t, t]\n  timespan: 5m\n  condition: {gte: 3}", "can never hold"),
        ("type: temporal\n  rules: [t]\n  timespan: 5m\n  condition: t", "chain correlations"),
        ("type: value_count\n  rules: [t]\n  timespan: 5m\n  condition: {gte: 5}", "needs `field`"),
        ("type: event_count\n  rules: [nobody]\n  timespan: 5m\n  condition: {gte: 5}", "is called `nobody`"),
        ("type: event_count\n  rules: [c]\n  timespan: 5m\n  condition: {gte: 5}", "lead back to itself"),
    ] {
        let yaml = format!("{base}---\ntitle: c\ncorrelation:\n  {correlation}\n");
        let parsed = rule::parse("t.yml", &yaml, &Lists::new());
        let mut errors = parsed.errors;
        errors.extend(Engine::new(parsed.rules, &Settings::default()).1);
        assert!(errors.len() == 1 && errors[0].reason.contains(reason), "{reason}: {errors:?}");
    }
}

#[test]
fn faults_are_told_with_the_line_they_are_in() {
    let base = format!("{HEAD}  s:\n    eventName: x\n  condition: s\n---\n");
    let selection = "  selection: {eventName: x}\n  condition: selection\n";
    for (yaml, line) in [
        (
            "title: c\ncorrelation:\n  type: event_count\n  rules:\n    - t\n    - nobody\n  timespan: 5m\n  condition: {gte: 5}\n",
            16,
        ),
        (
            "title: c\ncorrelation:\n  type: event_count\n  rules: [t]\n  timespan: 5m\n  condition:\n    gt: 5\n    lt: 3\n",
            18,
        ),
        (
            "title: c\ncorrelation:\n  type: event_count\n  rules: [t]\n  group-by:\n    - awsRegion\n    - v[1].k\n  timespan: 5m\n  condition: {gte: 5}\n",
            17,
        ),
        (&format!("title: f\nlogsource: {{product: aws}}\nfilter:\n  rules:\n    - t\n    - nothere\n{selection}"), 16),
        (&format!("title: c\ndescription: (\ncondition: {}\n", "(".repeat(99)), 13),
        (&format!("title: c\nid: c\ncondition: {}\n", "not ".repeat(99)), 13),
    ] {
        let mut parsed = rule::parse("t.yml", &format!("{base}{yaml}"), &Lists::new());
        let mut errors = parsed.errors;
        errors.extend(alerts::filter::apply(&mut parsed.rules, &parsed.filters));
        errors.extend(Engine::new(parsed.rules, &Settings::default()).1);
        let title = yaml.get(7..8);
        assert_eq!(
            errors.iter().map(|e| (e.rule.as_deref(), e.line)).collect::<Vec<_>>(),
            [(title, Some(line))],
            "{errors:?}"
        );
    }
}

#[test]
fn a_rule_under_the_id_of_another_is_refused_and_both_are_named() {
    let rule = |title: &str, event: &str| {
        format!(
            "title: {title}\nid: one\nlogsource: {{product: aws}}\ndetection:\n  s: {{eventName: {event}}}\n  condition: s\n"
        )
    };
    let read = |file: &str, yaml: &str| rule::parse(file, yaml, &Lists::new()).rules;
    let mut rules = read("a.yml", &rule("First", "x"));
    rules.extend(read("b.yml", &rule("Second", "y")));
    let (engine, errors) = Engine::new(rules, &Settings::default());
    assert_eq!(engine.rules().len(), 1, "two rules of one id would have one fingerprint");
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].file.as_str(), errors[0].rule.as_deref()), ("b.yml", Some("Second")));
    assert!(errors[0].reason.contains("`one`") && errors[0].reason.contains("\"First\" in a.yml:1"), "{errors:?}");
}

#[test]
fn bombs_are_defused() {
    let brackets = format!("{HEAD}  s:\n    eventName: x\n  condition: {}s{}\n", "(".repeat(5000), ")".repeat(5000));
    assert!(refused(&brackets).reason.contains("brackets"));
    let nots = format!("{HEAD}  s:\n    eventName: x\n  condition: {}s\n", "not ".repeat(5000));
    assert!(refused(&nots).reason.contains("`not`"));
    assert!(refused(&format!("{HEAD}#{}", "x".repeat(rule::MAX_FILE_BYTES))).reason.contains("at most"));
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", ")));
    }
    assert!(refused(&format!("{laughs}{HEAD}  s:\n    eventName: x\n  condition: s\n")).reason.contains("repetition"));
    assert!(refused(&format!("{HEAD}  s:\n    {}\n", "- ".repeat(5000))).reason.len() > 10);
    assert!(refused("\u{0}").reason.len() > 5);
}
