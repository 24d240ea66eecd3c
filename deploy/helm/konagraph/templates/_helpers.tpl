{{- define "konagraph.selector" -}}
app.kubernetes.io/name: konagraph
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "konagraph.labels" -}}
{{ include "konagraph.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "konagraph.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The settings whose values are secret. */}}
{{- define "konagraph.secrets" -}}
KONAGRAPH_AUDIT_KEY
KONAGRAPH_CARD_REF_KEY
KONAGRAPH_ID_KEY
KONAGRAPH_ID_KEY_2
KONAGRAPH_REDIS_URL
KONAPLATE_ACCESS_KEY
KONAPLATE_CLIENT_PRIVATE_KEY
KONAPLATE_CLIENT_PRIVATE_KEY_2
KONAPLATE_SECRET_KEY
KONAPLATE_SERVER_PUBLIC_KEY
KONAPLATE_SERVER_PUBLIC_KEY_2
{{- end }}
