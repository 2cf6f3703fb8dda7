//! Objects of real kinds, full of the fields that transformers touch.

use super::random::Random;

pub(crate) const NAMES: [&str; 7] = ["a", "b", "web", "db", "app", "cfg", "web-1"];
pub(crate) const NAMESPACES: [&str; 4] = ["ns1", "default", "other", "ns1"];
pub(crate) const WORKLOADS: [&str; 7] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Pod",
];
const IMAGES: [&str; 6] = [
    "nginx",
    "nginx:1.2",
    "reg.io:5000/app",
    "reg.io:5000/app:v1",
    "redis@sha256:abc",
    "busybox:1",
];

/// Makes one object that is not there yet; some fields may be odd.
pub(crate) fn object(r: &mut Random, known: &mut Vec<(&'static str, &'static str)>) -> String {
    let kinds = [
        "Deployment",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Job",
        "CronJob",
        "Pod",
        "Service",
        "ConfigMap",
        "Secret",
        "Ingress",
        "Role",
        "ClusterRole",
        "RoleBinding",
        "ClusterRoleBinding",
        "ServiceAccount",
        "Namespace",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "StorageClass",
        "ValidatingWebhookConfiguration",
        "CustomResourceDefinition",
        "APIService",
        "Widget",
    ];
    let (mut kind, mut name) = (*r.pick(&kinds), *r.pick(&NAMES));
    // Now and then an id stands twice, and the build must fail.
    while known.contains(&(kind, name)) && !r.one_in(60) {
        (kind, name) = (*r.pick(&kinds), *r.pick(&NAMES));
    }
    known.push((kind, name));
    let version = api_version(kind);
    let mut out = format!("apiVersion: {version}\nkind: {kind}\n{}", metadata(r, name));
    out.push_str(&body(r, kind));
    out
}

pub(crate) fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "Ingress" | "NetworkPolicy" => "networking.k8s.io/v1",
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => {
            "rbac.authorization.k8s.io/v1"
        }
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "PodDisruptionBudget" => "policy/v1",
        "StorageClass" => "storage.k8s.io/v1",
        "ValidatingWebhookConfiguration" => "admissionregistration.k8s.io/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "APIService" => "apiregistration.k8s.io/v1",
        "Widget" => "example.com/v1",
        _ => "v1",
    }
}

fn metadata(r: &mut Random, name: &str) -> String {
    let mut out = format!("metadata:\n  name: {name}\n");
    if r.one_in(6) {
        out.push_str(&format!("  namespace: {}\n", r.pick(&NAMESPACES)));
    }
    if r.one_in(2) {
        out.push_str(&format!(
            "  labels: {{app: {}, tier: \"1\"}}\n",
            r.pick(&NAMES)
        ));
    }
    if r.one_in(4) {
        out.push_str(r.pick::<&str>(&[
            "  annotations: {note: \"yes\", n: \"1\"}\n",
            "  annotations: {}\n",
            "  annotations:\n    text: |\n      two\n      lines\n    empty:\n",
            "  annotations: {config.kubernetes.io/local-config: \"true\"}\n",
            "  annotations: {flag: true, size: 12}\n",
        ]));
    }
    if r.one_in(12) {
        out.push_str("  finalizers: [x/y, z]\n");
    }
    out
}

fn indent(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}

fn container(r: &mut Random, name: &str) -> String {
    let mut out = format!("- name: {name}\n  image: {}\n", r.pick(&IMAGES));
    if r.one_in(2) {
        out.push_str("  ports:\n  - containerPort: 80\n    protocol: TCP\n  - {containerPort: 81, name: m}\n");
    }
    if r.one_in(2) {
        out.push_str(&format!(
            "  env:\n  - {{name: A, value: \"$(VAR)\"}}\n  - name: B\n    valueFrom: {{configMapKeyRef: {{name: {}, key: k}}}}\n  - name: C\n    valueFrom: {{secretKeyRef: {{name: {}, key: k}}}}\n",
            r.pick(&NAMES),
            r.pick(&NAMES)
        ));
    }
    if r.one_in(3) {
        out.push_str(&format!(
            "  envFrom:\n  - configMapRef: {{name: {}}}\n",
            r.pick(&NAMES)
        ));
    }
    if r.one_in(3) {
        out.push_str("  args: [--x=$(VAR), \"0644\", 'no']\n");
    }
    if r.one_in(4) {
        out.push_str("  volumeMounts:\n  - {mountPath: /m, name: v}\n  - {mountPath: /n, name: w, readOnly: true}\n");
    }
    out
}

/// Makes a pod spec.
pub(crate) fn pod(r: &mut Random) -> String {
    let mut out = "containers:\n".to_owned();
    out.push_str(&container(r, "main"));
    if r.one_in(2) {
        out.push_str(&container(r, "side"));
    }
    if r.one_in(4) {
        out.push_str("initContainers:\n");
        out.push_str(&container(r, "init"));
    }
    if r.one_in(2) {
        out.push_str(&format!(
            "volumes:\n- name: v\n  configMap: {{name: {}}}\n- name: w\n  secret: {{secretName: {}}}\n- name: e\n  emptyDir: {{}}\n",
            r.pick(&NAMES),
            r.pick(&NAMES)
        ));
    }
    if r.one_in(3) {
        out.push_str(&format!("serviceAccountName: {}\n", r.pick(&NAMES)));
    }
    if r.one_in(5) {
        out.push_str("tolerations: [{key: a, operator: Exists}]\nnodeSelector: {disk: ssd}\n");
    }
    if r.one_in(6) {
        out.push_str("affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: a}}, topologyKey: z}]}}\n");
    }
    out
}

fn body(r: &mut Random, kind: &str) -> String {
    let name = *r.pick(&NAMES);
    match kind {
        "Pod" => format!("spec:\n{}", indent(&pod(r), 2)),
        "CronJob" => format!(
            "spec:\n  schedule: \"* * * * *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n{}",
            indent(&pod(r), 10)
        ),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            let mut out = "spec:\n".to_owned();
            if kind != "DaemonSet" && kind != "Job" && r.one_in(2) {
                out.push_str(r.pick::<&str>(&["  replicas: 2\n", "  replicas: \"3\"\n", "  replicas: 010\n"]));
            }
            if r.one_in(2) {
                out.push_str("  selector: {matchLabels: {app: a}}\n");
            }
            if kind == "StatefulSet" {
                out.push_str(&format!("  serviceName: {name}\n"));
                if r.one_in(2) {
                    out.push_str("  volumeClaimTemplates:\n  - metadata: {name: d}\n    spec: {storageClassName: a}\n");
                }
            }
            out.push_str("  template:\n");
            if r.one_in(2) {
                out.push_str("    metadata: {labels: {app: a}}\n");
            }
            out.push_str(&format!("    spec:\n{}", indent(&pod(r), 6)));
            out
        }
        "Service" => "spec:\n  selector: {app: a}\n  ports:\n  - {port: 80, targetPort: http}\n  - {port: 81, protocol: UDP}\n".to_owned(),
        "ConfigMap" => (*r.pick(&[
            "data:\n  k: v\n  long: this is a rather long line of text that will have to be folded somewhere past column eighty, will it not\n",
            "data: {a: \"1\", b: 'true', c: \"on\", d: 0x1F, e: 1.50, f: 2001-01-01, g: ~, h: 'a: b', i: \"- x\"}\n",
            "data:\n  config.yaml: |\n    server:\n      port: 80\n      name: \"x\"\n    list:\n    - one\n  config.json: '{\"a\": {\"b\": 1}, \"c\": [1]}'\n",
            "binaryData: {x: AAEC}\nimmutable: true\n",
            "data:\n  trail: \"a \\nb\"\n  tab: \"a\\tb\"\n  keep: |+\n    x\n\n  lead: |2\n      y\n  emoji: \"\\U0001F600 é\"\n",
            "",
        ])).to_owned(),
        "Secret" => (*r.pick(&["type: Opaque\ndata: {p: eA==}\n", "stringData: {p: x}\n", "data: {}\n"])).to_owned(),
        "Ingress" => format!(
            "spec:\n  ingressClassName: a\n  tls: [{{hosts: [h.example], secretName: {name}}}]\n  rules:\n  - host: h.example\n    http:\n      paths:\n      - {{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 80}}}}}}}}\n"
        ),
        "Role" | "ClusterRole" => format!(
            "rules:\n- {{apiGroups: [\"\"], resources: [configmaps], resourceNames: [{name}, zzz], verbs: [get]}}\n"
        ),
        "RoleBinding" | "ClusterRoleBinding" => {
            let role = *r.pick(&["Role", "ClusterRole"]);
            let subject = *r.pick(&["default", "a", "web"]);
            let namespace = if r.one_in(2) { ", namespace: ns1" } else { "" };
            format!(
                "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role}, name: {name}}}\nsubjects:\n- {{kind: ServiceAccount, name: {subject}{namespace}}}\n- {{kind: User, name: default}}\n"
            )
        }
        "ServiceAccount" => format!("imagePullSecrets: [{{name: {name}}}]\n"),
        "PersistentVolumeClaim" => format!("spec: {{storageClassName: {name}, volumeName: {name}}}\n"),
        "PersistentVolume" => format!("spec: {{storageClassName: {name}, nfs: {{server: \"$(VAR)\"}}}}\n"),
        "HorizontalPodAutoscaler" => format!(
            "spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}, minReplicas: 1}}\n"
        ),
        "NetworkPolicy" => "spec: {podSelector: {matchLabels: {app: a}}, ingress: [{from: [{podSelector: {matchLabels: {app: b}}}]}]}\n".to_owned(),
        "PodDisruptionBudget" => "spec: {minAvailable: 50%, selector: {matchLabels: {app: a}}}\n".to_owned(),
        "StorageClass" => "provisioner: x\nparameters: {secretName: a, type: gp2}\n".to_owned(),
        "ValidatingWebhookConfiguration" => format!(
            "webhooks:\n- name: w.x\n  clientConfig: {{service: {{name: {name}, namespace: ns1}}}}\n"
        ),
        "CustomResourceDefinition" => "spec: {group: example.com, conversion: {webhook: {clientConfig: {service: {namespace: x, name: a}}}}}\n".to_owned(),
        "APIService" => format!("spec: {{service: {{name: {name}, namespace: x}}, group: g}}\n"),
        "Widget" => (*r.pick(&[
            "spec: {list: [{name: a}, {name: b}], ref: {name: a}, deep: {containers: [{image: nginx}]}, nil: ~}\n",
            "spec: {template: {apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: c, image: nginx}]}}}}}\n",
        ])).to_owned(),
        _ => String::new(),
    }
}
