{{- define "outer" }}
  {{- include "inner" . }}{{ end -}}
{{- define "inner" }}{{ .Values.a.b.c }}{{ end -}}
{{- define "failing" }}
 {{ fail "from within" }}{{ end -}}
{{- define "endless" }}{{ include "endless" . }}{{ end -}}
