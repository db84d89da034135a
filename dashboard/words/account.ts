export const accountWords = {};
