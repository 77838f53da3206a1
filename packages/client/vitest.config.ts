import { preset } from '@flowplane/config/vitest';

export default preset();
