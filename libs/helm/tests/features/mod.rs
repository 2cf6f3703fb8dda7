//! Which case covers which feature of charts: the feature, the case, and what in its files shows it.

pub(crate) const FEATURES: &[(&str, &str, &str)] = &[
    (
        "values files, later over earlier",
        "values_files_and_flags_layer_by_kind",
        "first.yaml",
    ),
    (
        "--set, typed",
        "values_files_and_flags_layer_by_kind",
        "list[1]=B",
    ),
    (
        "--set-string",
        "values_files_and_flags_layer_by_kind",
        "--set-string",
    ),
    (
        "--set-json",
        "values_files_and_flags_layer_by_kind",
        "--set-json",
    ),
    (
        "--set-file",
        "values_files_and_flags_layer_by_kind",
        "--set-file",
    ),
    (
        "--set-literal",
        "values_files_and_flags_layer_by_kind",
        "--set-literal",
    ),
    (
        "--set that does not parse",
        "a_key_without_a_value_is_refused",
        "--set",
    ),
    (
        "--set, limit of indexes",
        "an_index_past_the_limit_is_refused",
        "65537",
    ),
    (
        "--set, negative index",
        "a_negative_index_is_refused",
        "[-1]",
    ),
    ("--set, list left open", "an_open_list_is_refused", "{1,2"),
    (
        "--set-json that is none",
        "json_that_is_none_is_refused",
        "a={",
    ),
    (
        "--set-file without its file",
        "a_missing_file_for_a_value_is_refused",
        "nowhere.txt",
    ),
    (
        "null deletes a default",
        "nulls_delete_what_the_chart_defines",
        "a: null",
    ),
    (
        "null for a subchart",
        "nulls_for_a_subchart_reach_its_defaults",
        "db.b=null",
    ),
    (
        "number types",
        "numbers_of_files_are_floats_and_those_of_set_are_integers",
        "%T",
    ),
    (
        "YAML 1.1 scalars, anchors, merge keys",
        "yaml_1_1_words_are_booleans_and_keys_are_texts",
        "<<: *base",
    ),
    ("a null key", "a_key_that_is_null_is_refused", "~: three"),
    (
        "a null key with a nested value",
        "a_null_key_names_its_value",
        "null:",
    ),
    (
        "a key past int64",
        "a_huge_key_is_refused",
        "18446744073709551615",
    ),
    (
        "several documents in values.yaml",
        "several_documents_of_values_merge",
        "---",
    ),
    (
        "tables against scalars",
        "tables_and_other_values_replace_each_other_with_a_warning",
        "list: {a: 1}",
    ),
    (
        "a values file that is missing",
        "a_values_file_that_is_missing_is_named",
        "nowhere.yaml",
    ),
    (
        "a values file that is no YAML",
        "a_values_file_that_is_no_yaml_is_refused",
        "a: [1",
    ),
    (
        "a values file that is no table",
        "a_values_file_that_is_a_list_is_refused",
        "- a",
    ),
    (
        "values.yaml that is no YAML",
        "values_of_the_chart_that_are_no_yaml_are_refused",
        "a: b: c",
    ),
    (
        "values are mutable during a render",
        "what_a_template_changes_stays_changed",
        "set .Values",
    ),
    (
        "values that are missing or null",
        "missing_values_are_empty_but_print_as_nothing",
        "n: null",
    ),
    (
        "subcharts: .Values, .Chart, .Template, .Subcharts",
        "subcharts_see_their_own_values_and_the_globals",
        ".Subcharts.db",
    ),
    (
        "globals",
        "subcharts_see_their_own_values_and_the_globals",
        "global:",
    ),
    (
        "globals that are no table",
        "globals_that_are_no_table_are_skipped",
        "global: text",
    ),
    (
        "a subchart's values that are no table",
        "text_where_a_subcharts_table_should_be_is_an_error",
        "db=text",
    ),
    (
        "aliases",
        "an_alias_makes_a_second_instance",
        "alias: replica",
    ),
    ("conditions", "conditions_decide_before_tags", "condition:"),
    (
        "conditions of grandchildren",
        "conditions_of_grandchildren_are_below_their_parent",
        "leaf.enabled",
    ),
    (
        "tags",
        "tags_given_by_flags_switch_charts_on",
        "tags.front=true",
    ),
    (
        "import-values, both forms",
        "imported_values_rank_below_the_parents_own",
        "import-values",
    ),
    (
        "a missing dependency",
        "a_missing_dependency_is_fatal",
        "dependencies",
    ),
    (
        "a vendored version outside the range",
        "a_vendored_version_outside_the_range_keeps_its_name",
        "^2.0.0",
    ),
    (
        "subcharts that are not listed, hidden ones",
        "charts_that_nothing_lists_are_rendered",
        "_skipped",
    ),
    ("subcharts as archives", "subcharts_may_be_archives", ".tgz"),
    (
        "a stray file in charts/",
        "a_stray_file_among_subcharts_is_fatal",
        "stray.txt",
    ),
    (
        "requirements.yaml of v1 charts",
        "requirements_of_v1_charts_are_dependencies",
        "requirements.yaml",
    ),
    (
        "library charts",
        "library_charts_lend_their_partials",
        "type: library",
    ),
    (
        "a library cannot be installed",
        "a_library_is_not_installable",
        "type: library",
    ),
    (
        "order of partials",
        "of_equal_definitions_the_shallowest_and_last_wins",
        r#"define "name""#,
    ),
    (
        ".Files: Get, GetBytes, Lines, Glob, AsConfig, AsSecrets",
        "files_are_read_globbed_and_encoded",
        "AsSecrets",
    ),
    (".helmignore", "helmignore_leaves_files_out", ".helmignore"),
    (
        ".helmignore, negation",
        "negated_rules_of_helmignore_ignore_what_they_do_not_match",
        "!*.yaml",
    ),
    (
        ".helmignore, double star",
        "a_double_star_in_helmignore_is_an_error",
        "a/**/b",
    ),
    (
        "byte order marks, CR LF",
        "byte_order_marks_and_carriage_returns",
        ".Files.Get",
    ),
    (
        ".Release, --is-upgrade, --namespace",
        "release_and_chart_are_told",
        "--is-upgrade",
    ),
    (".Chart", "release_and_chart_are_told", ".Chart.Annotations"),
    (
        ".Capabilities, --kube-version, --api-versions",
        "capabilities_are_told",
        "--kube-version",
    ),
    (
        "--kube-version that is none",
        "a_kubernetes_version_that_is_none_is_refused",
        "new",
    ),
    (
        "kubeVersion of the chart",
        "a_chart_for_other_versions_of_kubernetes_is_refused",
        ">=1.40.0-0",
    ),
    (
        "deprecated charts",
        "a_deprecated_chart_is_warned_about",
        "deprecated: true",
    ),
    ("lookup without a cluster", "lookups_find_nothing", "lookup"),
    (
        "tpl",
        "tpl_renders_values_with_the_partials_of_the_chart",
        "tpl",
    ),
    ("NOTES.txt", "notes_are_no_manifest", "NOTES.txt"),
    (
        "NOTES.txt that fails",
        "notes_that_fail_stop_everything",
        "notes fail",
    ),
    (
        "order of objects",
        "objects_are_sorted_by_kind",
        "APIService",
    ),
    (
        "splitting of streams",
        "streams_are_split_at_their_marks",
        "--- # comment after",
    ),
    (
        "splitting, text beside a mark",
        "a_kind_beside_a_mark_belongs_to_the_document",
        "--- kind: A",
    ),
    ("documents that are lists", "a_list_is_no_manifest", "- a"),
    (
        "documents that are text",
        "a_text_is_no_manifest",
        "just text",
    ),
    (
        "documents that are no YAML",
        "yaml_that_is_none_names_file_and_line",
        "a: b: c",
    ),
    ("--debug", "debug_shows_what_is_no_yaml", "--debug"),
    (
        "hooks, weights, policies, unknown ones",
        "hooks_follow_the_objects_by_weight",
        "helm.sh/hook-weight",
    ),
    (
        "--no-hooks",
        "the_flag_no_hooks_leaves_hooks_out",
        "--no-hooks",
    ),
    (
        "--skip-tests",
        "the_flag_skip_tests_leaves_hooks_out",
        "--skip-tests",
    ),
    (
        "CRDs, --include-crds",
        "crds_come_first_where_asked_for",
        "--include-crds",
    ),
    (
        "CRDs without the flag",
        "crds_are_left_out_unless_asked_for",
        "crds/b.yaml",
    ),
    (
        "--show-only",
        "only_the_files_asked_for_are_shown",
        "--show-only",
    ),
    (
        "--show-only of an empty file",
        "a_file_that_came_out_empty_cannot_be_shown",
        "templates/empty.yaml",
    ),
    (
        "no templates",
        "a_chart_without_templates_prints_nothing",
        "values.yaml",
    ),
    (
        "Chart.yaml is missing",
        "a_chart_without_its_description_is_none",
        "values.yaml",
    ),
    (
        "Chart.yaml without a name",
        "a_chart_needs_a_name",
        "version: 1.0.0",
    ),
    (
        "Chart.yaml without a version",
        "a_chart_needs_a_version",
        "name: x",
    ),
    (
        "Chart.yaml, version",
        "a_version_must_be_one",
        "version: one",
    ),
    (
        "Chart.yaml, version as a number",
        "a_version_that_yaml_reads_as_a_number_is_refused",
        "1.10",
    ),
    ("Chart.yaml, type", "a_type_must_be_known", "type: app"),
    ("Chart.yaml, name", "a_name_may_not_be_a_path", "a/b"),
    (
        "Chart.yaml, apiVersion",
        "an_api_version_must_be_known",
        "v7",
    ),
    (
        "Chart.yaml that is no YAML",
        "a_description_must_be_yaml",
        "name: [x",
    ),
    (
        "Chart.yaml, keys in any case",
        "fields_of_a_chart_match_in_any_case",
        "APIVERSION",
    ),
    (
        "Chart.yaml, repeated dependencies",
        "dependencies_may_not_repeat",
        "name: a",
    ),
    (
        "Chart.yaml, alias",
        "an_alias_may_hold_few_characters",
        "a.b",
    ),
    (
        "Chart.yaml, null dependency",
        "a_dependency_may_not_be_null",
        "[null]",
    ),
    (
        "Chart.yaml, null maintainer",
        "a_maintainer_may_not_be_null",
        "[null]",
    ),
    (
        "schema: required",
        "the_schema_refuses_a_missing_value",
        "required",
    ),
    (
        "schema: type",
        "the_schema_refuses_a_wrong_type",
        "port: text",
    ),
    (
        "schema: minimum",
        "the_schema_refuses_a_small_number",
        "port: 0",
    ),
    ("schema: pattern", "the_schema_refuses_a_pattern", "A1"),
    (
        "schema: maxLength",
        "the_schema_refuses_a_long_text",
        "abcde",
    ),
    (
        "schema: enum",
        "the_schema_refuses_an_unlisted_value",
        "mode: c",
    ),
    ("schema: $ref", "the_schema_refuses_a_reference", "$ref"),
    ("schema: items", "the_schema_refuses_an_item", "[a, 1]"),
    (
        "schema: uniqueItems",
        "the_schema_refuses_repeated_items",
        "[a, a]",
    ),
    (
        "schema: additionalProperties",
        "the_schema_refuses_a_property_too_many",
        "other: 1",
    ),
    ("schema: integers", "the_schema_refuses_a_fraction", "1.5"),
    (
        "schema: nested applicators",
        "the_schema_refuses_through_allof",
        "allOf",
    ),
    ("schema: anyOf", "the_schema_refuses_through_anyof", "anyOf"),
    ("schema: oneOf", "the_schema_refuses_through_oneof", "oneOf"),
    (
        "schema: allOf behind $ref",
        "the_schema_refuses_through_references",
        "ref: 5",
    ),
    (
        "schema: $ref within allOf",
        "the_schema_refuses_through_nesting",
        "deep:",
    ),
    (
        "schema of a subchart",
        "the_schema_of_a_subchart_sees_its_values",
        "charts/db/values.schema.json",
    ),
    (
        "schema of a disabled subchart",
        "the_schema_of_a_disabled_subchart_is_not_asked",
        "enabled: false",
    ),
    (
        "--skip-schema-validation",
        "schemas_are_skipped_on_demand",
        "--skip-schema-validation",
    ),
    (
        "schema, draft 2020-12",
        "schemas_of_2020_know_prefixes",
        "prefixItems",
    ),
    (
        "schema, unevaluatedProperties",
        "schemas_of_2020_refuse_what_is_unevaluated",
        "stray: 1",
    ),
    (
        "schema, draft 4",
        "schemas_of_draft_4_are_known",
        "draft-04",
    ),
    (
        "schema that is no JSON",
        "a_schema_that_is_no_json_is_refused",
        r#"{"type":"#,
    ),
    (
        "schema that is none",
        "a_schema_that_is_none_is_refused",
        "nothing",
    ),
    (
        "every node of the language",
        "every_node_of_the_language",
        "{{ break }}",
    ),
    ("required", "a_required_value_is_missing", "required"),
    ("fail", "fail_stops_with_its_message", "fail"),
    (
        "fail in an include",
        "fail_within_an_include_keeps_its_place",
        "failing",
    ),
    (
        "error: field of nothing",
        "a_field_of_nothing_is_an_error",
        ".Values.a.b.c",
    ),
    (
        "error: field of a text",
        "a_field_of_a_text_is_an_error",
        "$x.field",
    ),
    (
        "error: unknown function",
        "an_unknown_function_is_an_error",
        "nosuch",
    ),
    (
        "error: unknown template",
        "an_unknown_template_is_an_error",
        r#"template "nowhere""#,
    ),
    (
        "error: unknown include",
        "an_unknown_include_is_an_error",
        r#"include "nowhere""#,
    ),
    (
        "error: unclosed action",
        "an_unclosed_action_is_an_error",
        ".Values.x",
    ),
    (
        "error: block without end",
        "an_unended_block_is_an_error",
        "if true",
    ),
    (
        "error: end without block",
        "an_end_too_many_is_an_error",
        "{{ end }}",
    ),
    (
        "error: undefined variable",
        "an_undefined_variable_is_an_error",
        "$nope",
    ),
    (
        "error: unclosed text",
        "an_unclosed_text_is_an_error",
        r#""text }}"#,
    ),
    (
        "error: number of arguments",
        "a_wrong_number_of_arguments_is_an_error",
        "trimSuffix",
    ),
    (
        "error: type of an argument",
        "an_argument_of_the_wrong_type_is_an_error",
        r#"trunc "x""#,
    ),
    (
        "error: index out of range",
        "an_index_out_of_range_is_an_error",
        "index (list 1 2) 5",
    ),
    (
        "error: comparison",
        "numbers_of_two_kinds_do_not_compare",
        "eq 1 1.5",
    ),
    (
        "error: range",
        "a_range_over_a_text_is_an_error",
        r#"range "text""#,
    ),
    (
        "error: chain of includes",
        "an_error_through_includes_shows_each_level",
        "outer",
    ),
    (
        "error: within tpl",
        "an_error_within_tpl_shows_its_text",
        r#"tpl "{{ .Values.x.y.z }}""#,
    ),
    (
        "error: tpl that does not parse",
        "a_tpl_that_does_not_parse_is_an_error",
        r#"tpl "{{ .Values.x ""#,
    ),
    (
        "error: call of a value",
        "a_call_of_what_is_no_function_is_an_error",
        ".Values.n 5",
    ),
    (
        "error: function that fails",
        "a_failing_function_is_named",
        "mustRegexMatch",
    ),
    (
        "error: endless include",
        "includes_without_end_are_stopped",
        "endless",
    ),
    (
        "error: division by zero",
        "a_division_by_zero_is_an_error",
        "div 1 0",
    ),
    (
        "error: nil as an index",
        "a_map_key_of_nil_is_an_error",
        "index .Values nil",
    ),
    (
        "error: break outside a loop",
        "a_break_outside_a_loop_is_an_error",
        "break",
    ),
    (
        "error: malformed JSON",
        "malformed_json_for_a_function_is_an_error",
        "mustFromJson",
    ),
    (
        "error: in a subchart",
        "a_failing_template_of_a_subchart_is_named_by_its_path",
        "charts/db/templates/deep",
    ),
    (
        "error: two definitions in one file",
        "a_second_definition_in_one_file_is_an_error",
        r#"define "x""#,
    ),
];
