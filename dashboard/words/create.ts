export const createWords = {};
