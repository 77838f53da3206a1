import { preset } from '@flowplane/config/vitest';

export default preset(['@flowplane/db/testing-setup']);
