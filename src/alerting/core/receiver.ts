/** Where notifications go, as Alertmanager names it: a receiver, one of its integrations, and which of that kind. */
export interface Receiver {
  /** Name of the receiver in the configuration. */
  readonly groupName: string
  /** Such as `webhook`, `slack`. */
  readonly integration: string
  /** Counts within one integration of one receiver, from 0. */
  readonly idx: number
}

/** `groupName/integration/idx`. */
export function receiverKey({ groupName, integration, idx }: Receiver): string {
  return `${groupName}/${integration}/${idx}`
}

/** The `groupName` of a `receiverKey`; the other two parts have no slash. */
export function receiverGroupName(key: string): string {
  return key.split('/').slice(0, -2).join('/')
}

/** Key of the notification log, and name of the work that a claim is for: `groupKey:groupName/integration/idx`. */
export function notificationKey(groupKey: string, receiver: Receiver): string {
  return `${groupKey}:${receiverKey(receiver)}`
}
