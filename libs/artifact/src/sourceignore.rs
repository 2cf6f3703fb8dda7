//! Which paths a source leaves out of its artifact: `.sourceignore` files and `spec.ignore`.
//!
//! The rules are gitignore's as Flux's Git library reads them (source-controller.md §3.3), with
//! its one large difference from Git: an excluded folder does not hide what is below it, so that
//! `/*` with `!/deploy` works. Each path is judged alone; the last matching rule wins.

mod glob;

use glob::Glob;

/// Name of the files that carry rules, at any depth.
pub const FILE_NAME: &str = ".sourceignore";

const VCS: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];
const DEFAULTS: [&str; 20] = [
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];
/// Longest line of rules; the reader of the original gives up at a longer one.
const MAX_LINE: usize = 64 * 1024;

/// Decides which paths are left out.
#[derive(Debug, Default)]
pub struct Matcher {
    rules: Vec<Rule>,
}

impl Matcher {
    /// Builds the rules of a source from its rule files, by folder (the root is empty) and in any
    /// order, and `spec.ignore`, which is strongest. Without any user rule the default exclusions
    /// hold; with one they vanish and only the version-control files stay excluded.
    pub fn for_source<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        spec_ignore: Option<&str>,
    ) -> Self {
        // A folder's own rules come before those of the folders in it.
        let mut files: Vec<(&str, &str)> = files.into_iter().collect();
        files.sort_by(|(left, _), (right, _)| left.split('/').cmp(right.split('/')));
        let mut user = Vec::new();
        for (folder, text) in files {
            read_rules(text, folder, &mut user);
        }
        read_rules(spec_ignore.unwrap_or_default(), "", &mut user);
        let built_in: Vec<&str> = if user.is_empty() {
            VCS.into_iter().chain(DEFAULTS).collect()
        } else {
            VCS.to_vec()
        };
        let mut rules: Vec<Rule> = built_in.iter().map(|line| Rule::parse(line, "")).collect();
        rules.append(&mut user);
        Self { rules }
    }

    /// Builds rules that stand alone, without any built-in exclusion.
    pub fn of_rules(text: &str) -> Self {
        let mut rules = Vec::new();
        read_rules(text, "", &mut rules);
        Self { rules }
    }

    /// Tells whether `path` (relative, `/` between components) is left out.
    pub fn excludes(&self, path: &str, is_dir: bool) -> bool {
        let components: Vec<&str> = path.split('/').collect();
        self.rules
            .iter()
            .rev()
            .find(|rule| rule.matches(&components, is_dir))
            .is_some_and(|rule| !rule.re_includes)
    }
}

fn read_rules(text: &str, folder: &str, rules: &mut Vec<Rule>) {
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.len() > MAX_LINE {
            return; // Parity: the original's line scanner stops here without an error.
        }
        if !line.starts_with('#') && !line.trim().is_empty() {
            rules.push(Rule::parse(line, folder));
        }
    }
}

#[derive(Debug)]
struct Rule {
    folder: Vec<String>,
    parts: Vec<Part>,
    re_includes: bool,
    dirs_only: bool,
    anchored: bool,
}

#[derive(Debug)]
enum Part {
    Nothing,
    AnyDepth,
    /// `**` inside a component never matches anything.
    Unmatchable,
    Glob(Glob),
}

impl Rule {
    fn parse(line: &str, folder: &str) -> Self {
        let (re_includes, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let line = if line.ends_with("\\ ") {
            line
        } else {
            line.trim_end_matches(' ')
        };
        let (dirs_only, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let anchored = line.contains('/');
        let part = |text: &str| match text {
            "" if anchored => Part::Nothing,
            "**" if anchored => Part::AnyDepth,
            text if anchored && text.contains("**") => Part::Unmatchable,
            text => Part::Glob(Glob::new(text)),
        };
        Self {
            folder: folder
                .split('/')
                .filter(|c| !c.is_empty())
                .map(str::to_owned)
                .collect(),
            parts: line.split('/').map(part).collect(),
            re_includes,
            dirs_only,
            anchored,
        }
    }

    fn matches(&self, path: &[&str], is_dir: bool) -> bool {
        if path.len() <= self.folder.len() || self.folder.iter().zip(path).any(|(a, b)| a != b) {
            return false;
        }
        let path = &path[self.folder.len()..];
        if self.anchored {
            self.matches_from_the_top(path, is_dir)
        } else {
            self.matches_any_component(path, is_dir)
        }
    }

    /// The first component that matches decides: a parent's name excludes what is below it.
    fn matches_any_component(&self, path: &[&str], is_dir: bool) -> bool {
        let Some(Part::Glob(glob)) = self.parts.first() else {
            return false;
        };
        match path.iter().position(|name| glob.matches(name)) {
            Some(at) => !(self.dirs_only && !is_dir && at == path.len() - 1),
            None => false,
        }
    }

    fn matches_from_the_top(&self, mut path: &[&str], is_dir: bool) -> bool {
        let mut matched = false;
        let mut any_depth = false;
        for (at, part) in self.parts.iter().enumerate() {
            let glob = match part {
                Part::Nothing => {
                    any_depth = false;
                    continue;
                }
                Part::AnyDepth if at == self.parts.len() - 1 => break,
                Part::AnyDepth => {
                    any_depth = true;
                    continue;
                }
                Part::Unmatchable => return false,
                Part::Glob(glob) => glob,
            };
            if path.is_empty() || glob.is_malformed() {
                return false;
            }
            if any_depth {
                any_depth = false;
                match path.iter().position(|name| glob.matches(name)) {
                    Some(found) => {
                        matched = true;
                        path = &path[found + 1..];
                    }
                    None => {
                        // Parity: the search ends the path but not the rule's other parts.
                        matched = false;
                        path = &[];
                    }
                }
            } else if glob.matches(path[0]) {
                matched = true;
                path = &path[1..];
            } else {
                return false;
            }
        }
        matched && !(self.dirs_only && !is_dir && path.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Matcher;

    /// Returns which of `paths` stay; a trailing slash marks a folder.
    fn kept<'a>(files: &[(&str, &str)], spec: Option<&str>, paths: &[&'a str]) -> Vec<&'a str> {
        let matcher = Matcher::for_source(files.iter().copied(), spec);
        let kept = |path: &&str| !matcher.excludes(path.trim_end_matches('/'), path.ends_with('/'));
        paths.iter().copied().filter(|path| kept(path)).collect()
    }

    #[test]
    fn without_rules_the_defaults_hold_and_any_rule_replaces_them() {
        let paths = [
            "a.png",
            "a.yaml",
            ".github/",
            ".github/x",
            ".sops.yaml",
            "x/.sops.yaml",
            ".git/",
        ];
        assert_eq!(kept(&[], None, &paths), ["a.yaml"]);
        assert_eq!(kept(&[], Some(""), &paths), ["a.yaml"]);
        assert_eq!(kept(&[], Some("# only a comment\n\n"), &paths), ["a.yaml"]);
        let with_rule = kept(&[("", "nothing\n")], None, &paths);
        assert_eq!(
            with_rule,
            [
                "a.png",
                "a.yaml",
                ".github/",
                ".github/x",
                ".sops.yaml",
                "x/.sops.yaml"
            ]
        );
    }

    #[test]
    fn what_lies_below_an_excluded_folder_can_be_included_again() {
        let paths = ["deploy/", "deploy/a", "src/", "src/b", "top"];
        assert_eq!(
            kept(&[], Some("/*\n!/deploy\n"), &paths),
            ["deploy/", "deploy/a"]
        );
        let nested = ["apps/", "apps/a/", "apps/a/x.yaml", "apps/b/y.yaml"];
        assert_eq!(
            kept(&[], Some("/*\n!/apps/a\n"), &nested),
            ["apps/a/", "apps/a/x.yaml"]
        );
    }

    #[test]
    fn nested_files_are_scoped_and_stronger_and_the_spec_is_strongest() {
        let files = [("", "*.txt\n/sub/c.yaml\n"), ("sub", "!b.txt\n")];
        let paths = [
            "a.txt",
            "b.txt",
            "sub/b.txt",
            "sub/a.txt",
            "sub/c.yaml",
            "c.yaml",
        ];
        assert_eq!(kept(&files, None, &paths), ["sub/b.txt", "c.yaml"]);
        assert_eq!(kept(&files, Some("sub/"), &paths), ["c.yaml"]);
    }

    #[test]
    fn spelling_of_rules() {
        let paths = [
            "a/b/c/d.txt",
            "b/c",
            "c/",
            "c",
            "x y",
            "x ",
            "#k",
            "!k",
            "a/.k",
        ];
        for (rules, gone) in [
            ("/**/c\n", vec!["a/b/c/d.txt", "b/c", "c/", "c"]),
            ("a/**\n", vec!["a/b/c/d.txt", "a/.k"]),
            ("a/**/d.txt\n", vec!["a/b/c/d.txt"]),
            ("b/c/\n", vec![]),
            ("c/\n", vec!["a/b/c/d.txt", "c/"]),
            ("x\\ \n", vec!["x "]),
            ("x*  \n", vec!["x y", "x "]),
            ("\\#k\n\\!k\n", vec!["#k", "!k"]),
            ("[cx\n", vec![]),
            ("[a-b]/[!b]?\n", vec![]),
            ("[a-b]/[^b]?\n", vec!["a/.k"]),
            ("a/b**/c\n", vec![]),
            ("c\r\n", vec!["a/b/c/d.txt", "b/c", "c/", "c"]),
        ] {
            let left = kept(&[("", rules)], None, &paths);
            let expected: Vec<_> = paths
                .iter()
                .copied()
                .filter(|p| !gone.contains(p))
                .collect();
            assert_eq!(left, expected, "{rules:?}");
        }
    }
}
