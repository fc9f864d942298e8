{{/* The volume of the exports, by `model.source`. */}}
{{- define "housing-price.model.volume" -}}
{{- if eq .Values.model.source "volume" -}}
- name: export
  persistentVolumeClaim: {claimName: {{ include "housing-price.claim" (list . .Values.model.claim "models") }}}
{{- else if eq .Values.model.source "registry" -}}
- name: export
  emptyDir: {sizeLimit: 256Mi}
{{- end -}}
{{- end }}

{{- define "housing-price.model.mount" -}}
{{- if ne .Values.model.source "image" -}}
- {name: export, mountPath: /export, readOnly: true}
{{- end -}}
{{- end }}

{{/* The init container that exports a model, or waits until the trainer has exported it. Takes a list: the context, and
     the server's values (price, comparables). */}}
{{- define "housing-price.model.init" -}}
{{- $ := index . 0 -}}
{{- $server := index . 1 -}}
{{- if eq $.Values.model.source "registry" -}}
{{- $model := $server.registeredModel -}}
{{- if $server.digest -}}
{{- $model = printf "%s@%s" (regexFind "^models:/[^/@]+" $model) $server.digest -}}
{{- end -}}
initContainers:
  # It fails, and is repeated, until the registry has this model.
  - name: export
    {{- include "housing-price.container" (list $ $.Values.images.model $server.resources) | nindent 4 }}
    command: [housing-price-model, export, --to, /export/{{ $server.folder }}, --model, {{ $model | quote }}, --tracking-uri, {{ include "housing-price.tracking.url" $ | quote }}]
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: export, mountPath: /export}
{{- else if include "housing-price.has.trainer" $ -}}
initContainers:
  - name: wait-for-trainer
    {{- include "housing-price.container" (list $ $.Values.images.model $server.resources) | nindent 4 }}
    command: [sh, -c, "until [ -e /export/{{ $server.folder }}/manifest.json ]; do sleep 2; done"]
    volumeMounts:
      - {name: export, mountPath: /export, readOnly: true}
{{- end }}
{{- end }}

{{/* Probes of a model server. Takes a list: its port and the folder of its export. */}}
{{- define "housing-price.model.probes" -}}
{{- $example := printf "%s/model/serving_input_example.json" (index . 1) -}}
{{- $priced := list "python" "-I" "/usr/local/share/housing-price/healthcheck.py" (printf "http://127.0.0.1:%d/invocations" (int (index . 0))) $example | toJson -}}
# /ping can succeed while predictions fail, so a server is ready when it answers for its model's example.
startupProbe:
  exec: {command: {{ $priced }}}
  periodSeconds: 3
  timeoutSeconds: 5
  failureThreshold: 60
readinessProbe:
  exec: {command: {{ $priced }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
# Not a prediction: a server under load must not be restarted for being slow.
livenessProbe:
  httpGet: {path: /ping, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "housing-price.model.digest" -}}
{{- with . -}}
env:
  - {name: HOUSING_PRICE_MODEL_DIGEST, value: {{ . | quote }}}
{{- end -}}
{{- end }}

{{/* Each model server has a name of its own. A starting one has it too: calls to it then fail at once, and do not wait
     for a name. Takes a list: the context, the component and the port. */}}
{{- define "housing-price.model.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "housing-price.metadata" . | nindent 2 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "housing-price.selector" . | nindent 4 }}
  ports:
    - {name: http, port: {{ index . 2 }}, targetPort: http}
{{- end }}
