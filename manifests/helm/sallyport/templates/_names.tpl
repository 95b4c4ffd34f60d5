{{- define "sallyport.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- end -}}

{{- /* Names of objects end in "-reconciler-configmaps" at most. */ -}}
{{- define "sallyport.name" -}}
{{- include "sallyport.fullname" . | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "sallyport.class" -}}
{{- default (include "sallyport.name" .) .Values.controller.ingressClassResource.name -}}
{{- end -}}

{{- define "sallyport.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag }}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What selectors have; they cannot be changed later. */ -}}
{{- define "sallyport.selector" -}}
app.kubernetes.io/name: sallyport
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sallyport.labels" -}}
{{ include "sallyport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* dict "root" $, and if wanted "suffix" "-webhook" "namespace" NS
     "component" NAME */ -}}
{{- define "sallyport.metadata" -}}
name: {{ include "sallyport.name" .root }}{{ get . "suffix" }}
{{- with get . "namespace" }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "sallyport.labels" .root | nindent 2 }}
  {{- with get . "component" }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
{{- end -}}

{{- define "sallyport.shards" -}}
{{- range until 16 }}
- sallyport-{{ include "sallyport.class" $ }}-certificates-{{ . }}
{{- end }}
{{- end -}}
