// The shared page: where the others point.
export const begin = async () => undefined;
export const end = async () => undefined;
