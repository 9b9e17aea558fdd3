//! The JUnit file of `habitue simulate`.

use crate::Folder;

const CATALOG: &str = r#"
schema = 1
[attributes]
tier = "string"
points = "int"
[segments]
gold = 'tier == "gold"'
[personalizations.home]
fallback = { name = "plain" }
[[personalizations.home.offers]]
name = "gold-offer"
when = "gold"
"#;

/// Lines that hold, that do not, and that cannot be followed.
const SCRIPT: &str = r#"
{"message":{"type":"identify","messageId":"m1","userId":"ana","traits":{"tier":"silver & <new>"},"timestamp":"2026-01-01T09:00:00Z"}}
{"expect":{"user":"ana","attributes":{"points":null},"segments":{"gold":false}}}
{"expect":{"user":"ana","attributes":{"tier":"gold"}}}
{"query":{"user":"ana"}}
{"reject":{"message":{"type":"identify","messageId":"m1","userId":"ana","traits":{"tier":"gold"}},"reason":"conflict"}}
{"expect":{"user":"ana","segment":{"gold":true}}}
"#;

#[test]
fn a_line_that_expects_is_a_test_case() {
    let folder = Folder::new("junit");
    folder.write("catalog.toml", CATALOG);
    folder.write("tiers.jsonl", SCRIPT);
    folder.write("other.jsonl", r#"{"expect":{"user":"ben","decisions":{"home":"plain"}}}"#);
    let ended = folder.habitue("simulate catalog.toml tiers.jsonl other.jsonl --json --junit out.xml");
    assert_eq!(ended.code, Some(1), "{}", ended.words);
    assert_eq!(ended.lines().len(), 6, "the lines on standard output are what they were");
    let written = folder.read("out.xml");
    assert_eq!(
        written,
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="habitue simulate" tests="5" skipped="0" failures="1" errors="1">
    <testsuite name="tiers.jsonl" tests="4" skipped="0" errors="1" failures="1">
        <testcase name="line 3: ana: points missing, not in gold" classname="tiers.jsonl" file="tiers.jsonl" line="3"/>
        <testcase name="line 4: ana: tier = &quot;gold&quot;" classname="tiers.jsonl" file="tiers.jsonl" line="4">
            <failure message="expected {&quot;attributes&quot;:{&quot;tier&quot;:&quot;gold&quot;}}, actual {&quot;attributes&quot;:{&quot;tier&quot;:&quot;silver &amp; &lt;new&gt;&quot;}}" type="expectation">line 4: {&quot;expect&quot;:{&quot;user&quot;:&quot;ana&quot;,&quot;attributes&quot;:{&quot;tier&quot;:&quot;gold&quot;}}}
    expected  {&quot;attributes&quot;:{&quot;tier&quot;:&quot;gold&quot;}}
    actual    {&quot;attributes&quot;:{&quot;tier&quot;:&quot;silver &amp; &lt;new&gt;&quot;}}
    why       attribute `tier` is &quot;silver &amp; &lt;new&gt;&quot;, not &quot;gold&quot;
</failure>
        </testcase>
        <testcase name="line 6: identify of ana is refused for conflict" classname="tiers.jsonl" file="tiers.jsonl" line="6"/>
        <testcase name="line 7: {&quot;expect&quot;:{&quot;user&quot;:&quot;ana&quot;,&quot;segment&quot;:{&quot;gold&quot;:true}}}" classname="tiers.jsonl" file="tiers.jsonl" line="7">
            <error message="`expect` has an unknown key `segment`; did you mean `segments`?" type="script">line 7: {&quot;expect&quot;:{&quot;user&quot;:&quot;ana&quot;,&quot;segment&quot;:{&quot;gold&quot;:true}}}
    why       `expect` has an unknown key `segment`; did you mean `segments`?
</error>
        </testcase>
    </testsuite>
    <testsuite name="other.jsonl" tests="1" skipped="0" errors="0" failures="0">
        <testcase name="line 1: ben: home = plain" classname="other.jsonl" file="other.jsonl" line="1"/>
    </testsuite>
</testsuites>
"#
    );
    folder.habitue("simulate catalog.toml tiers.jsonl other.jsonl --junit out.xml");
    assert_eq!(folder.read("out.xml"), written, "the same answers make the same file");
}

#[test]
fn a_file_that_cannot_be_written_ends_with_1() {
    let folder = Folder::new("junit_unwritable");
    folder.write("catalog.toml", CATALOG);
    folder.write("script.jsonl", r#"{"expect":{"user":"ben","decisions":{"home":"plain"}}}"#);
    let ended = folder.habitue("simulate catalog.toml script.jsonl --junit nowhere/out.xml");
    assert_eq!(ended.code, Some(1));
    assert!(ended.words.starts_with("error: cannot write `nowhere/out.xml`: "), "{}", ended.words);
}
