export const activityWords = {};
