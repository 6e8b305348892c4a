/** Where facts are announced: detail-type is the event's type, detail the event. */
export const bus = new sst.aws.Bus("Bus");
