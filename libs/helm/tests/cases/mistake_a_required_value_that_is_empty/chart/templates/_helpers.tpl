{{ define "host" }}
{{- required "host must be set" .Values.host }}
{{- end }}
