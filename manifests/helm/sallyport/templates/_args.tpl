{{- /* "--name=value" of a map of flags; numbers of YAML are floats. */ -}}
{{- define "sallyport.extraArgs" -}}
{{- range $name, $value := . }}
{{- if kindIs "float64" $value }}
- {{ printf "--%s=%d" $name (int64 $value) | quote }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What both doors must judge alike by. */ -}}
{{- define "sallyport.rules" -}}
{{- with .Values.controller }}
{{- if ne .ingressClassResource.controllerValue "sallyport.dev/ingress-controller" }}
- --controller-class={{ .ingressClassResource.controllerValue }}
{{- end }}
{{- if .watchIngressWithoutClass }}
- --watch-ingress-without-class
{{- end }}
{{- with .watchNamespaces }}
- --watch-namespace={{ join "," . }}
{{- end }}
{{- if ne .hostPolicy "namespace" }}
- --host-policy={{ .hostPolicy }}
{{- end }}
{{- if .enforceHostPolicy }}
- --enforce-host-policy
{{- end }}
{{- if .hostOwners }}
{{- $pins := list }}
{{- range $suffix, $namespaces := .hostOwners }}
{{- $pins = append $pins (printf "%s=%s" $suffix (join "+" $namespaces)) }}
{{- end }}
- {{ printf "--host-owners=%s" (join "," $pins) | quote }}
{{- end }}
{{- if .namespaceAllowedHosts }}
- --namespace-allowed-hosts
{{- end }}
{{- if ne .conflictMessages "full" }}
- --conflict-messages={{ .conflictMessages }}
{{- end }}
{{- if .allowExternalNames }}
- --allow-external-names
{{- end }}
{{- if .disableCatchAll }}
- --disable-catch-all
{{- end }}
{{- if .enableSSLPassthrough }}
- --enable-ssl-passthrough
{{- end }}
{{- if .strictSNI }}
- --strict-sni
{{- end }}
{{- if ne .tlsProfile "intermediate" }}
- --tls-profile={{ .tlsProfile }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sallyport.publish" -}}
{{- with .Values.controller }}
{{- if .publishStatusAddress }}
- --publish-status-address={{ .publishStatusAddress }}
{{- else if or .hostPort.enabled .hostNetwork }}
- --publish-node-addresses={{ include "sallyport.name" $ }}-reconciler
{{- else if and .publishService.enabled .service.enabled }}
- --publish-service={{ $.Release.Namespace }}/{{ include "sallyport.name" $ }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What clients dial: not where the pod listens, but what is mapped to it. */ -}}
{{- define "sallyport.publicPorts" -}}
{{- with .Values.controller }}
{{- $ports := .service.ports }}
{{- if .hostPort.enabled }}
{{- $ports = .hostPort.ports }}
{{- else if .hostNetwork }}
{{- $ports = .containerPort }}
{{- end }}
- --public-http-port={{ $ports.http }}
- --public-https-port={{ $ports.https }}
{{- end }}
{{- end -}}

{{- /* Names of the webhook's objects, where they are not the flags' defaults. */ -}}
{{- define "sallyport.issuing" -}}
{{- $name := include "sallyport.name" . }}
{{- with .Values.controller.admissionWebhooks }}
{{- if and .enabled (eq .certificates "self") }}
- --webhook-certificates=self
{{- if ne $name "sallyport" }}
- --webhook-service={{ $name }}-webhook
- --webhook-ca-secret={{ $name }}-webhook-ca
- --webhook-tls-secret={{ $name }}-webhook-tls
- --webhook-configuration={{ $name }}
{{- end }}
{{- else }}
- --webhook-certificates=none
{{- end }}
{{- end }}
{{- end -}}

{{- define "sallyport.reconcilerArgs" -}}
{{- $name := include "sallyport.name" . }}
{{- with .Values.controller }}
- --ingress-class={{ include "sallyport.class" $ }}
- --run-dir=/run/sallyport
- --haproxy=
- --http-port={{ .containerPort.http }}
- --https-port={{ .containerPort.https }}
- --admin-address=0.0.0.0:{{ .containerPort.admin }}
{{- include "sallyport.publish" $ }}
{{- include "sallyport.issuing" $ }}
{{- if .admissionWebhooks.enabled }}
- --publish-certificates
{{- else }}
- --cluster-claims=false
{{- end }}
- --configmap={{ $.Release.Namespace }}/{{ $name }}
- --log-format=json
{{- include "sallyport.publicPorts" $ }}
{{- include "sallyport.rules" $ }}
{{- if .watchConfigMaps }}
- --watch-configmaps
{{- end }}
{{- with .defaultSSLCertificate }}
- --default-ssl-certificate={{ . }}
{{- end }}
{{- with .defaultBackendService }}
- --default-backend-service={{ . }}
{{- end }}
{{- if .http3 }}
- --http3
{{- end }}
{{- include "sallyport.extraArgs" .extraArgs }}
{{- end }}
{{- end -}}

{{- define "sallyport.webhookArgs" -}}
{{- with .Values.controller }}
- --ingress-class={{ include "sallyport.class" $ }}
- --configmap={{ $.Release.Namespace }}/{{ include "sallyport.name" $ }}
- --listen=0.0.0.0:8443
- --tls-certificate-file=/etc/sallyport/tls/tls.crt
- --tls-key-file=/etc/sallyport/tls/tls.key
- --admin-address=0.0.0.0:10254
- --log-format=json
{{- include "sallyport.rules" $ }}
{{- with .admissionWebhooks }}
{{- if .mutateHosts }}
- --mutate-hosts
{{- end }}
{{- if .namespaceDefaults }}
- --namespace-defaults
{{- end }}
{{- include "sallyport.extraArgs" .extraArgs }}
{{- end }}
{{- end }}
{{- end -}}
