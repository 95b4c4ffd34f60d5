{{- /* What each daemon needs of the namespaces it serves. */ -}}
{{- define "sallyport.reconcilerRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- /* dict "root" $ "kind" "Role" "name" NAME "namespace" NS "account" "reconciler": */ -}}
{{- define "sallyport.binding" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  {{- include "sallyport.metadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ include "sallyport.name" .root }}{{ .suffix }}
subjects:
  - kind: ServiceAccount
    name: {{ include "sallyport.name" .root }}-{{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{- /* The head of a role; rules follow. */ -}}
{{- define "sallyport.role" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  {{- include "sallyport.metadata" . | nindent 2 }}
rules:
{{- end -}}

{{- define "sallyport.account" -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "sallyport.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}
