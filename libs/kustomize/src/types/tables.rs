//! The shapes of all structures, as Go names them.

use crate::decode::{Struct, Ty};

const STRINGS: Ty = Ty::List(&Ty::Str);

macro_rules! shape {
    ($(#[$doc:meta])* $id:ident = $name:literal { $($field:literal: $ty:expr),* $(,)? }) => {
        $(#[$doc])*
        pub(crate) static $id: Struct = Struct { name: $name, fields: &[$(($field, $ty)),*] };
    };
}

shape!(META = "ObjectMeta" {
    "name": Ty::Str, "namespace": Ty::Str, "labels": Ty::StrMap, "annotations": Ty::StrMap,
});
shape!(FIELD_SPEC = "FieldSpec" {
    "group": Ty::Str, "version": Ty::Str, "kind": Ty::Str, "path": Ty::Str, "create": Ty::Bool,
});
shape!(LABEL = "Label" {
    "pairs": Ty::StrMap, "includeSelectors": Ty::Bool, "includeTemplates": Ty::Bool,
    "fields": Ty::List(&Ty::Struct(&FIELD_SPEC)),
});
shape!(SELECTOR = "Selector" {
    "group": Ty::Str, "version": Ty::Str, "kind": Ty::Str, "name": Ty::Str, "namespace": Ty::Str,
    "annotationSelector": Ty::Str, "labelSelector": Ty::Str,
});
shape!(PATCH_OPTIONS = "PatchArgs" { "allowNameChange": Ty::Bool, "allowKindChange": Ty::Bool });
shape!(PATCH_ENTRY = "Patch" {
    "path": Ty::Str, "patch": Ty::Str, "target": Ty::Struct(&SELECTOR),
    "options": Ty::Struct(&PATCH_OPTIONS),
});
shape!(IMAGE = "Image" {
    "name": Ty::Str, "newName": Ty::Str, "tagSuffix": Ty::Str, "newTag": Ty::Str, "digest": Ty::Str,
});
shape!(REPLICA = "Replica" { "name": Ty::Str, "count": Ty::Int });
shape!(FIELD_OPTIONS = "FieldOptions" {
    "delimiter": Ty::Str, "index": Ty::Int, "encoding": Ty::Str, "create": Ty::Bool,
});
shape!(SOURCE = "SourceSelector" {
    "group": Ty::Str, "version": Ty::Str, "kind": Ty::Str, "name": Ty::Str, "namespace": Ty::Str,
    "fieldPath": Ty::Str, "options": Ty::Struct(&FIELD_OPTIONS),
});
shape!(TARGET = "TargetSelector" {
    "select": Ty::Struct(&SELECTOR), "reject": Ty::List(&Ty::Struct(&SELECTOR)),
    "fieldPaths": STRINGS, "options": Ty::Struct(&FIELD_OPTIONS),
});
shape!(REPLACEMENT = "ReplacementField" {
    "source": Ty::Struct(&SOURCE), "targets": Ty::List(&Ty::Struct(&TARGET)),
    "sourceValue": Ty::Str, "path": Ty::Str,
});
shape!(VAR_TARGET = "Target" {
    "apiVersion": Ty::Str, "group": Ty::Str, "version": Ty::Str, "kind": Ty::Str, "name": Ty::Str,
    "namespace": Ty::Str,
});
shape!(VAR_FIELD = "FieldSelector" { "fieldPath": Ty::Str });
shape!(VAR = "Var" {
    "name": Ty::Str, "objref": Ty::Struct(&VAR_TARGET), "fieldref": Ty::Struct(&VAR_FIELD),
});
shape!(LEGACY_SORT = "LegacySortOptions" { "orderFirst": STRINGS, "orderLast": STRINGS });
shape!(SORT = "SortOptions" { "order": Ty::Str, "legacySortOptions": Ty::Struct(&LEGACY_SORT) });
shape!(GENERATOR_OPTIONS = "GeneratorOptions" {
    "labels": Ty::StrMap, "annotations": Ty::StrMap, "disableNameSuffixHash": Ty::Bool,
    "immutable": Ty::Bool,
});
shape!(CONFIG_MAP = "ConfigMapArgs" {
    "namespace": Ty::Str, "name": Ty::Str, "behavior": Ty::Str, "literals": STRINGS,
    "files": STRINGS, "envs": STRINGS, "env": Ty::Str, "options": Ty::Struct(&GENERATOR_OPTIONS),
});
shape!(SECRET = "SecretArgs" {
    "namespace": Ty::Str, "name": Ty::Str, "behavior": Ty::Str, "literals": STRINGS,
    "files": STRINGS, "envs": STRINGS, "env": Ty::Str, "options": Ty::Struct(&GENERATOR_OPTIONS),
    "type": Ty::Str,
});
shape!(HELM_GLOBALS = "HelmGlobals" { "chartHome": Ty::Str, "configHome": Ty::Str });
shape!(HELM_CHART = "HelmChart" {
    "name": Ty::Str, "version": Ty::Str, "repo": Ty::Str, "releaseName": Ty::Str,
    "namespace": Ty::Str, "additionalValuesFiles": STRINGS, "valuesFile": Ty::Str,
    "valuesInline": Ty::Any, "valuesMerge": Ty::Str, "includeCRDs": Ty::Bool,
    "skipHooks": Ty::Bool, "apiVersions": STRINGS, "kubeVersion": Ty::Str,
    "nameTemplate": Ty::Str, "skipTests": Ty::Bool, "debug": Ty::Bool, "devel": Ty::Bool,
});
shape!(HELM_INFLATION = "HelmChartArgs" {
    "chartName": Ty::Str, "chartVersion": Ty::Str, "chartRepoUrl": Ty::Str, "chartHome": Ty::Str,
    "chartRepoName": Ty::Str, "helmBin": Ty::Str, "helmHome": Ty::Str, "values": Ty::Str,
    "valuesLocal": Ty::Any, "valuesMerge": Ty::Str, "releaseName": Ty::Str,
    "releaseNamespace": Ty::Str, "extraArgs": STRINGS,
});
shape!(
    /// The kustomization file.
    KUSTOMIZATION = "Kustomization" {
        "kind": Ty::Str, "apiVersion": Ty::Str, "metadata": Ty::Struct(&META),
        "openapi": Ty::StrMap, "namePrefix": Ty::Str, "nameSuffix": Ty::Str,
        "namespace": Ty::Str, "commonLabels": Ty::StrMap,
        "labels": Ty::List(&Ty::Struct(&LABEL)), "commonAnnotations": Ty::StrMap,
        "patchesStrategicMerge": STRINGS, "patchesJson6902": Ty::List(&Ty::Struct(&PATCH_ENTRY)),
        "patches": Ty::List(&Ty::Struct(&PATCH_ENTRY)), "images": Ty::List(&Ty::Struct(&IMAGE)),
        "imageTags": Ty::List(&Ty::Struct(&IMAGE)),
        "replacements": Ty::List(&Ty::Struct(&REPLACEMENT)),
        "replicas": Ty::List(&Ty::Struct(&REPLICA)), "vars": Ty::List(&Ty::Struct(&VAR)),
        "sortOptions": Ty::Struct(&SORT), "resources": STRINGS, "components": STRINGS,
        "crds": STRINGS, "bases": STRINGS,
        "configMapGenerator": Ty::List(&Ty::Struct(&CONFIG_MAP)),
        "secretGenerator": Ty::List(&Ty::Struct(&SECRET)),
        "helmGlobals": Ty::Struct(&HELM_GLOBALS),
        "helmCharts": Ty::List(&Ty::Struct(&HELM_CHART)),
        "helmChartInflationGenerator": Ty::List(&Ty::Struct(&HELM_INFLATION)),
        "generatorOptions": Ty::Struct(&GENERATOR_OPTIONS), "configurations": STRINGS,
        "generators": STRINGS, "transformers": STRINGS, "validators": STRINGS,
        "buildMetadata": STRINGS,
    }
);
shape!(NAME_REFERENCE = "NameBackReferences" {
    "group": Ty::Str, "version": Ty::Str, "kind": Ty::Str,
    "fieldSpecs": Ty::List(&Ty::Struct(&FIELD_SPEC)),
});
shape!(
    /// A file of `configurations`.
    TRANSFORMER_CONFIG = "TransformerConfig" {
        "namePrefix": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "nameSuffix": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "namespace": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "commonLabels": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "labels": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "templateLabels": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "commonAnnotations": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "nameReference": Ty::List(&Ty::Struct(&NAME_REFERENCE)),
        "varReference": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "images": Ty::List(&Ty::Struct(&FIELD_SPEC)),
        "replicas": Ty::List(&Ty::Struct(&FIELD_SPEC)),
    }
);
shape!(VALUE_TARGET = "Target" {
    "selector": Ty::Struct(&SELECTOR), "fieldPath": Ty::Str, "filePathPosition": Ty::Int,
});
shape!(CLOUD_SERVICE = "KubernetesService" { "name": Ty::Str, "namespace": Ty::Str });
shape!(CLOUD_ACCOUNT = "ServiceAccount" { "name": Ty::Str, "projectId": Ty::Str });
shape!(
    /// The arguments of an `IAMPolicyGenerator`.
    POLICY = "IAMPolicyGenerator" {
        "cloud": Ty::Str, "kubernetesService": Ty::Struct(&CLOUD_SERVICE),
        "serviceAccount": Ty::Struct(&CLOUD_ACCOUNT),
    }
);
shape!(
    /// The arguments of a generator of ConfigMaps that is an object of its own.
    CONFIG_MAP_GENERATOR = "ConfigMapGenerator" {
        "metadata": Ty::Struct(&META), "namespace": Ty::Str, "name": Ty::Str, "behavior": Ty::Str,
        "literals": STRINGS, "files": STRINGS, "envs": STRINGS,
        "options": Ty::Struct(&GENERATOR_OPTIONS),
    }
);
shape!(
    /// The arguments of a generator of Secrets that is an object of its own.
    SECRET_GENERATOR = "SecretGenerator" {
        "metadata": Ty::Struct(&META), "namespace": Ty::Str, "name": Ty::Str, "behavior": Ty::Str,
        "literals": STRINGS, "files": STRINGS, "envs": STRINGS,
        "options": Ty::Struct(&GENERATOR_OPTIONS), "type": Ty::Str,
    }
);
/// The field of most transformers that says where they write.
pub(crate) const FIELD_SPECS: (&str, Ty) = ("fieldSpecs", Ty::List(&Ty::Struct(&FIELD_SPEC)));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::GENERATORS;
    use crate::transform::BUILTINS;

    /// Charts are refused whatever their fields say.
    const REFUSED: [&str; 3] = ["helmGlobals", "helmCharts", "helmChartInflationGenerator"];

    fn list(prefix: &str, ty: &Struct, deep: bool, out: &mut Vec<String>) {
        for (name, ty) in ty.fields {
            let path = format!("{prefix}{name}");
            let mut inner = ty;
            while let Ty::List(element) = inner {
                inner = element;
            }
            out.push(path.clone());
            if let Ty::Struct(inner) = inner
                && deep
                && !REFUSED.contains(name)
            {
                list(&format!("{path}."), inner, deep, out);
            }
        }
    }

    #[test]
    fn the_tests_know_every_field_of_kustomizations_configurations_and_builtins() {
        let mut fields = Vec::new();
        list("", &KUSTOMIZATION, true, &mut fields);
        list("configurations ", &TRANSFORMER_CONFIG, false, &mut fields);
        let transformers = BUILTINS.iter().map(|b| (b.kind, b.fields));
        let generators = GENERATORS.iter().map(|(kind, fields, _)| (*kind, *fields));
        for (kind, shape) in transformers.chain(generators) {
            fields.push(format!("builtin {kind}"));
            list(&format!("builtin {kind}."), shape, false, &mut fields);
        }
        fields.push("builtin HelmChartInflationGenerator".to_owned());
        let want = fields.join("\n") + "\n";
        let known = include_str!("../../tests/features/fields.txt");
        assert!(
            known == want,
            "tests/features/fields.txt should be:\n{want}"
        );
    }
}
