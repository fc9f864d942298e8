{{- define "housing-price.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* The start of all names; 40 characters leave room for the component, within the 63 of a label. */}}
{{- define "housing-price.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains (include "housing-price.name" .) .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "housing-price.name" .) | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* The labels that select the pods of a component. Takes a list: the context and the component. */}}
{{- define "housing-price.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "housing-price.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "housing-price.labels" -}}
{{- $ := index . 0 -}}
{{ include "housing-price.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name and labels of an object. Takes a list: the context and the component. */}}
{{- define "housing-price.metadata" -}}
{{- $ := index . 0 -}}
name: {{ include "housing-price.fullname" $ }}-{{ index . 1 }}
namespace: {{ $.Release.Namespace }}
labels:
  {{- include "housing-price.labels" . | nindent 2 }}
{{- end }}

{{/* A reference to an image. Takes a list: the context and the image of the values. */}}
{{- define "housing-price.image" -}}
{{- $ := index . 0 -}}
{{- $image := index . 1 -}}
{{- $repository := $image.repository -}}
{{- if $.Values.images.registry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" $.Values.images.registry) $repository -}}
{{- end -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ default $.Chart.AppVersion $image.tag }}
{{- end -}}
{{- end }}

{{/* The components that the values select. */}}
{{- define "housing-price.components" -}}
{{- $components := list "orchestrator" "price-server" -}}
{{- range .Values.price.versions }}{{ $components = append $components (printf "price-server-v%s" .version) }}{{ end -}}
{{- if .Values.comparables.enabled }}{{ $components = append $components "comparables-server" }}{{ end -}}
{{- if .Values.tracking.enabled }}{{ $components = append $components "tracking-server" }}{{ end -}}
{{- if include "housing-price.has.trainer" . }}{{ $components = append $components "trainer" }}{{ end -}}
{{- if include "housing-price.has.jobs" . }}{{ $components = concat $components (list "scoring-worker" "training-worker") }}{{ end -}}
{{- if include "housing-price.has.lifecycle" . }}{{ $components = append $components "lifecycle-worker" }}{{ end -}}
{{- if include "housing-price.has.drift" . }}{{ $components = append $components "drift" }}{{ end -}}
{{- if include "housing-price.has.migration" . }}{{ $components = append $components "migration" }}{{ end -}}
{{ $components | toJson }}
{{- end }}

{{/* Annotations of what the migration needs, which runs before everything else is installed. */}}
{{- define "housing-price.hook.before" -}}
annotations:
  helm.sh/hook: pre-install,pre-upgrade
  helm.sh/hook-weight: "-10"
  helm.sh/hook-delete-policy: before-hook-creation
{{- end }}
