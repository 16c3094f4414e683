/**
 * The body of `POST /api/v2/alerts`: first the JSON and its types of all alerts (400), then what is required of each in turn
 * (422), and only the first finding. Null and an empty list are no alerts, which is fine.
 */
import type { AlertRequest } from '../../alerting/core/alert-rules.ts'
import { goQuote } from '../../alerting/core/go-quote.ts'
import { ZERO_TIME_NS } from '../../alerting/core/nanos.ts'
import { inSlices } from '../slices.ts'
import { INVALID_TYPE } from './alertmanager-answers.ts'
import {
  BodyFault,
  caughtFaults,
  fieldsOf,
  instantField,
  type ReadBody,
  readBody,
  required,
  stringField,
  textsField,
  wrongType,
} from './alertmanager-body.ts'
import { isRequestUri } from './request-uri.ts'

interface AlertFields extends Omit<AlertRequest, 'labels'> {
  readonly labels: AlertRequest['labels'] | undefined
}

/** Undefined for a null among the alerts. */
function alertFields(item: unknown, index: number): AlertFields | undefined {
  if (item === null) return undefined
  const fields = fieldsOf(item, `${index}`)
  const labels = textsField(fields, 'labels', `${index}.labels`)
  return {
    labels: labels === undefined ? undefined : Object.fromEntries(labels),
    annotations: Object.fromEntries(textsField(fields, 'annotations', `${index}.annotations`) ?? []),
    startsAtNs: instantField(fields, 'startsAt', `${index}.startsAt`) ?? ZERO_TIME_NS,
    endsAtNs: instantField(fields, 'endsAt', `${index}.endsAt`) ?? ZERO_TIME_NS,
    generatorUrl: stringField(fields, 'generatorURL', `${index}.generatorURL`) ?? '',
  }
}

function checkedAlert(fields: AlertFields | undefined, index: number): AlertRequest {
  if (fields === undefined) throw required(`${index}`)
  const { labels, generatorUrl } = fields
  if (generatorUrl !== '' && !isRequestUri(generatorUrl)) {
    const said = `must be of type uri: ${goQuote(generatorUrl)}`
    throw new BodyFault(INVALID_TYPE, `${index}.generatorURL in body ${said}`)
  }
  if (labels === undefined) throw required(`${index}.labels`)
  return { ...fields, labels }
}

export async function readAlertsBody(text: string): Promise<ReadBody<readonly AlertRequest[]>> {
  const read = readBody('alerts', text, listed)
  if ('fault' in read) return read
  const typed = await each(read.value, alertFields)
  return 'fault' in typed ? typed : each(typed.value, checkedAlert)
}

function listed(body: unknown): readonly unknown[] {
  if (body === null) return []
  if (!Array.isArray(body)) throw wrongType(body, 'alerts', 'array')
  return body
}

/** In slices: a body of 1 MiB may have 300,000 of them. */
async function each<In, Out>(
  items: readonly In[],
  read: (item: In, index: number) => Out,
): Promise<ReadBody<readonly Out[]>> {
  const done: Out[] = []
  for await (const slice of inSlices(items)) {
    const part = caughtFaults('alerts', () => slice.map((item, at) => read(item, done.length + at)))
    if ('fault' in part) return part
    done.push(...part.value)
  }
  return { value: done }
}
