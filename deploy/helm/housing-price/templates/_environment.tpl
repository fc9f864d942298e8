{{- define "housing-price.has.jobs" -}}
{{ if .Values.jobs.databaseSecret.name }}true{{ end }}
{{- end }}

{{- define "housing-price.has.log" -}}
{{ if .Values.predictionLog.databaseSecret.name }}true{{ end }}
{{- end }}

{{- define "housing-price.has.lifecycle" -}}
{{ if and (include "housing-price.has.jobs" .) .Values.lifecycleWorker.enabled }}true{{ end }}
{{- end }}

{{- define "housing-price.has.migration" -}}
{{ if and (include "housing-price.has.log" .) .Values.predictionLog.migration.enabled }}true{{ end }}
{{- end }}

{{- define "housing-price.has.trainer" -}}
{{ if and .Values.trainer.enabled (ne .Values.model.source "image") }}true{{ end }}
{{- end }}

{{- define "housing-price.has.drift" -}}
{{ if and .Values.drift.enabled (include "housing-price.has.log" .) }}true{{ end }}
{{- end }}

{{- define "housing-price.has.tokens" -}}
{{ if hasKey .Values.orchestrator.settings "ORCHESTRATOR_JWT__JWKS_URL" }}true{{ end }}
{{- end }}

{{/* A variable whose value is in a Secret. Takes a list: the variable, and the reference of the values. */}}
{{- define "housing-price.environment.secret" -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ (index . 1).name }}, key: {{ (index . 1).key }}}}
{{- end }}

{{- define "housing-price.environment.map" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* Each price server has an address of its own, so that the API balances its calls and judges each server. */}}
{{- define "housing-price.price.addresses" -}}
{{- $name := printf "%s-price-server" (include "housing-price.fullname" .) -}}
{{- $addresses := list -}}
{{- range $number := until (int .Values.price.replicas) -}}
{{- $addresses = append $addresses (printf "http://%s-%d.%s:8080" $name $number $name) -}}
{{- end -}}
{{ join "," $addresses }}
{{- end }}

{{- define "housing-price.comparables.addresses" -}}
{{- $name := printf "%s-comparables-server" (include "housing-price.fullname" .) -}}
{{- $addresses := list -}}
{{- range $number := until (int .Values.comparables.replicas) -}}
{{- $addresses = append $addresses (printf "http://%s-%d.%s:8081" $name $number $name) -}}
{{- end -}}
{{ join "," $addresses }}
{{- end }}

{{- define "housing-price.tracking.url" -}}
{{- if .Values.tracking.enabled -}}
http://{{ include "housing-price.fullname" . }}-tracking-server:9999
{{- else -}}
{{ .Values.tracking.externalUrl }}
{{- end -}}
{{- end }}

{{/* The names of a Service inside the cluster. Takes a list: the context and the component. */}}
{{- define "housing-price.service.names" -}}
{{- $ := index . 0 -}}
{{- $name := printf "%s-%s" (include "housing-price.fullname" $) (index . 1) -}}
{{- $inNamespace := printf "%s.%s" $name $.Release.Namespace -}}
{{ list $name $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.cluster.local" $inNamespace) | toJson }}
{{- end }}

{{- define "housing-price.orchestrator.hosts" -}}
{{- $own := include "housing-price.service.names" (list . "orchestrator") | fromJsonArray -}}
{{- $hosts := concat $own .Values.orchestrator.trustedHosts -}}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end -}}
{{- if .Values.gateway.enabled }}{{ $hosts = concat $hosts .Values.gateway.hostnames }}{{ end -}}
{{ $hosts | uniq | join "," }}
{{- end }}

{{/* Settings of the API and of the scoring worker. */}}
{{- define "housing-price.environment.shared" -}}
- name: ORCHESTRATOR_MODEL_SERVER__BASE_URL
  value: {{ include "housing-price.price.addresses" . }}
{{- if include "housing-price.has.lifecycle" . }}
- name: ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE
  value: /serving/routes.json
{{- end }}
{{- if include "housing-price.has.jobs" . }}
{{ include "housing-price.environment.secret" (list "ORCHESTRATOR_JOBS__DATABASE_URL" .Values.jobs.databaseSecret) }}
- name: ORCHESTRATOR_JOBS__FOLDER
  value: /jobs
{{- with .Values.jobs.stores }}
- name: ORCHESTRATOR_JOBS__STORES
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "housing-price.environment.log" -}}
{{- if include "housing-price.has.log" . -}}
{{ include "housing-price.environment.secret" (list "ORCHESTRATOR_PREDICTION_LOG__URL" .Values.predictionLog.databaseSecret) }}
{{- else -}}
- name: ORCHESTRATOR_PREDICTION_LOG__ENABLED
  value: "false"
{{- end }}
{{- end }}

{{- define "housing-price.environment.orchestrator" -}}
{{ include "housing-price.environment.shared" . }}
{{ include "housing-price.environment.log" . }}
- name: ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS
  value: {{ .Values.orchestrator.stopNoticeSeconds | quote }}
- name: ORCHESTRATOR_SERVER__TRUSTED_HOSTS
  value: {{ include "housing-price.orchestrator.hosts" . | quote }}
- name: ORCHESTRATOR_AUTH__REQUIRED
  value: {{ .Values.auth.required | toString | quote }}
{{- if .Values.auth.keysSecret.name }}
- name: ORCHESTRATOR_AUTH__KEYS_FILE
  value: /config/{{ .Values.auth.keysSecret.key }}
{{- end }}
{{- if .Values.tls.secretName }}
- name: ORCHESTRATOR_TLS__CERT_FILE
  value: /tls/tls.crt
- name: ORCHESTRATOR_TLS__KEY_FILE
  value: /tls/tls.key
{{- end }}
{{- if .Values.grpc.enabled }}
- name: ORCHESTRATOR_GRPC__PORT
  value: {{ .Values.grpc.port | quote }}
{{- end }}
{{- if .Values.comparables.enabled }}
- name: ORCHESTRATOR_COMPARABLES__BASE_URL
  value: {{ include "housing-price.comparables.addresses" . }}
{{- if include "housing-price.has.lifecycle" . }}
- name: ORCHESTRATOR_COMPARABLES__ROUTES_FILE
  value: /serving/comparables/routes.json
{{- end }}
{{- end }}
{{- with .Values.rateLimit.requests }}
- name: ORCHESTRATOR_RATE_LIMIT__REQUESTS
  value: {{ . | quote }}
{{- end }}
{{- with .Values.rateLimit.requestsPerAddress }}
- name: ORCHESTRATOR_RATE_LIMIT__REQUESTS_PER_ADDRESS
  value: {{ . | quote }}
{{- end }}
{{- if .Values.rateLimit.redisSecret.name }}
{{ include "housing-price.environment.secret" (list "ORCHESTRATOR_RATE_LIMIT__STORAGE_URL" .Values.rateLimit.redisSecret) }}
{{- end }}
{{- include "housing-price.environment.map" .Values.orchestrator.settings }}
{{- with .Values.orchestrator.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
