{{/* What all pods share. Takes a list: the context and the component. */}}
{{- define "housing-price.pod" -}}
{{- $ := index . 0 -}}
serviceAccountName: {{ include "housing-price.fullname" $ }}-{{ index . 1 }}
automountServiceAccountToken: false
# The services accept these variables, but need none of them.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Metadata of a pod. It does not name the chart's version, so that a new one does not restart pods that stay the same.
     Takes a list: the context and the component. */}}
{{- define "housing-price.pod.metadata" -}}
{{- $ := index . 0 -}}
labels:
  {{- include "housing-price.selector" . | nindent 2 }}
  {{- with $.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Replicas of a component run on different nodes and in different zones where possible. */}}
{{- define "housing-price.pod.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "housing-price.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}

{{/* What all containers share. Takes a list: the context, the image of the values, and the resources. */}}
{{- define "housing-price.container" -}}
{{- $ := index . 0 -}}
image: {{ include "housing-price.image" (list $ (index . 1)) }}
imagePullPolicy: {{ $.Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml (index . 2) | nindent 2 }}
{{- end }}

{{/* The graceful stop of a service with callers: proxies get time to move away, then SIGTERM lets requests finish.
     Takes the wait before SIGTERM and the longest time that the service itself takes after it, in seconds. */}}
{{- define "housing-price.stop.graceSeconds" -}}
{{ add (index . 0) (index . 1) 5 }}
{{- end }}

{{- define "housing-price.stop.hook" -}}
lifecycle:
  preStop: {sleep: {seconds: {{ . }}}}
{{- end }}

{{/* After its notice the API gives running requests 5 s, and the prediction log 3 s to be written. */}}
{{- define "housing-price.stop.apiSeconds" -}}
{{ add .Values.orchestrator.stopNoticeSeconds 5 3 }}
{{- end }}

{{/* Both model servers and the tracking server give running requests 5 s. */}}
{{- define "housing-price.stop.serverSeconds" -}}
5
{{- end }}

{{/* A worker holds a lock on a file with its name. Takes the path, with NAME for the name. */}}
{{- define "housing-price.probes.worker" -}}
{{- $alive := list "python" "-I" "/usr/local/share/housing-price/worker_alive.py" . | toJson -}}
startupProbe:
  exec: {command: {{ $alive }}}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
readinessProbe:
  exec: {command: {{ $alive }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
livenessProbe:
  exec: {command: {{ $alive }}}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{/* Name of a claim. Takes a list: the context, the claim of the values, and the chart's own name for it. */}}
{{- define "housing-price.claim" -}}
{{ (index . 1).existingClaim | default (printf "%s-%s" (include "housing-price.fullname" (index . 0)) (index . 2)) }}
{{- end }}

{{/* A claim of the chart. Takes the same list. Claims outlive the release: they hold models and results. */}}
{{- define "housing-price.claim.object" -}}
{{- $ := index . 0 -}}
{{- $claim := index . 1 -}}
{{- if not $claim.existingClaim }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ include "housing-price.claim" . }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "housing-price.labels" (list $ (index . 2)) | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
spec:
  {{- include "housing-price.claim.spec" $claim | nindent 2 }}
{{- end }}
{{- end }}

{{- define "housing-price.claim.spec" -}}
accessModes: {{ .accessModes | default (list "ReadWriteOnce") | toJson }}
{{- with .storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end }}

{{/* The folder for temporary files, on the node's disk. */}}
{{- define "housing-price.volume.tmp" -}}
- name: tmp
  emptyDir: {sizeLimit: {{ . }}}
{{- end }}
