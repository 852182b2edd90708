CREATE TABLE base_population (
    resident_id VARCHAR(18),
    person_name VARCHAR(50),
    sex_code TEXT,
    ethnic_group_code TEXT,
    birth_date DATE,
    marital_status_code TEXT,
    household_division_code VARCHAR(6),
    household_address VARCHAR(200),
    residence_address VARCHAR(200),
    phone_number VARCHAR(20),
    education_code TEXT,
    employer_name VARCHAR(200),
    death_date DATE
);
COMMENT ON TABLE base_population IS '人口 / Population';
COMMENT ON COLUMN base_population.resident_id IS '公民身份号码 / Resident identity number (GB 11643-1999)';
COMMENT ON COLUMN base_population.person_name IS '姓名 / Name of a person (民委发〔2016〕33号)';
COMMENT ON COLUMN base_population.sex_code IS '性别代码 / Sex code (GB/T 2261.1-2003)';
COMMENT ON COLUMN base_population.ethnic_group_code IS '民族代码 / Ethnic group code (GB/T 3304-1991)';
COMMENT ON COLUMN base_population.birth_date IS '出生日期 / Date of birth (GB/T 7408.1-2023)';
COMMENT ON COLUMN base_population.marital_status_code IS '婚姻状况代码 / Marital status code (GB/T 2261.2-2003)';
COMMENT ON COLUMN base_population.household_division_code IS '户籍地行政区划代码 / Division of household registration (GB/T 2260-2007)';
COMMENT ON COLUMN base_population.household_address IS '户籍地详细地址 / Household address (GA/T 1218-2015)';
COMMENT ON COLUMN base_population.residence_address IS '现居住地详细地址 / Address of residence (GA/T 1218-2015)';
COMMENT ON COLUMN base_population.phone_number IS '联系电话 / Phone number (工信部电信网编号计划)';
COMMENT ON COLUMN base_population.education_code IS '学历代码 / Education code (GB/T 4658-2006)';
COMMENT ON COLUMN base_population.employer_name IS '工作单位名称 / Name of employer (GB/T 36104-2018)';
COMMENT ON COLUMN base_population.death_date IS '死亡日期 / Date of death (GB/T 7408.1-2023)';
