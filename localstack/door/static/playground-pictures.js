export const begin = async () => undefined;
