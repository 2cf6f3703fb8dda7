{{- define "lib.labels" -}}
chart: {{ .Chart.Name }}
{{- end -}}
